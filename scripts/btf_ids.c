// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * btf_ids.c - fills in the BTF ids of the module's kfuncs: a host program, no part of the module.
 *
 * In:  a module with BTF, the raw BTF of its kernel. Out: the same module, section .BTF_ids filled, as the kernel's
 * resolve_btfids does it, which Debian's header packages don't hold. Called by scripts/module-btf. Knows of the list's
 * kinds only those that the module uses: func and set8.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "__BTF_ID__"

struct module {
	const char *path;
	Elf *elf;
	Elf_Data *ids, *symbols;
	size_t ids_index, strings, symbol_count;
	struct btf *base, *btf;
};

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "btf_ids: %s: %s\n", path, what);
	return -1;
}

/* Finds the section of ids and the symbols. 1 = there are no ids. */
static int read_sections(struct module *m)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(m->elf, &names))
		return complain(m->path, "no section names");
	while ((section = elf_nextscn(m->elf, section))) {
		const char *name;

		if (!gelf_getshdr(section, &header))
			return complain(m->path, elf_errmsg(-1));
		name = elf_strptr(m->elf, names, header.sh_name);
		if (name && strcmp(name, ".BTF_ids") == 0) {
			m->ids = elf_getdata(section, NULL);
			m->ids_index = elf_ndxscn(section);
		} else if (header.sh_type == SHT_SYMTAB) {
			m->symbols = elf_getdata(section, NULL);
			m->strings = header.sh_link;
			m->symbol_count = header.sh_size / header.sh_entsize;
		}
	}
	if (!m->ids)
		return 1;
	return m->symbols ? 0 : complain(m->path, "no symbols");
}

/* __BTF_ID__func__NAME__123: the id of NAME goes where the symbol points. */
static int fill_function(struct module *m, const char *symbol, size_t at)
{
	char name[256];
	char *end;
	int id;

	snprintf(name, sizeof(name), "%s", symbol + strlen(PREFIX "func__"));
	end = strrchr(name, '_');
	if (!end || end == name || end[-1] != '_')
		return complain(symbol, "not the name of an id");
	end[-1] = 0;
	id = btf__find_by_name_kind(m->btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return complain(name, "no such function in the module's BTF");
	memcpy((char *)m->ids->d_buf + at, &(__u32){ (__u32)id }, 4);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	__u32 x, y;

	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	return x < y ? -1 : x > y;
}

/* __BTF_ID__set8__NAME: count and flags, then pairs of id and flags, which are searched by halving. */
static void sort_set(struct module *m, size_t at, size_t bytes)
{
	char *set = (char *)m->ids->d_buf + at;
	__u32 count = (__u32)(bytes / 8 - 1);

	memcpy(set, &count, 4);
	qsort(set + 8, count, 8, compare_ids);
}

/* Functions first, so that sets are sorted by ids that are there. */
static int fill(struct module *m)
{
	int filled = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < m->symbol_count; i++) {
			GElf_Sym symbol;
			const char *name;

			if (!gelf_getsym(m->symbols, (int)i, &symbol) || symbol.st_shndx != m->ids_index)
				continue;
			name = elf_strptr(m->elf, m->strings, symbol.st_name);
			if (!name || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
				continue;
			if (symbol.st_value + (symbol.st_size ? symbol.st_size : 4) > m->ids->d_size)
				return complain(name, "lies outside its section");
			if (pass == 0 && strncmp(name + strlen(PREFIX), "func__", 6) == 0) {
				if (fill_function(m, name, symbol.st_value))
					return -1;
				filled++;
			} else if (pass == 1 && strncmp(name + strlen(PREFIX), "set8__", 6) == 0 && symbol.st_size >= 8) {
				sort_set(m, symbol.st_value, symbol.st_size);
			}
		}
	}
	elf_flagdata(m->ids, ELF_C_SET, ELF_F_DIRTY);
	return filled;
}

int main(int argc, char **argv)
{
	struct module m = { .path = argc == 3 ? argv[2] : "" };
	int fd, err;

	if (argc != 3) {
		fprintf(stderr, "usage: btf_ids KERNEL_BTF MODULE.ko\n");
		return 2;
	}
	elf_version(EV_CURRENT);
	m.base = btf__parse(argv[1], NULL);
	if (!m.base || libbpf_get_error(m.base))
		return complain(argv[1], "no BTF") ? 1 : 0;
	m.btf = btf__parse_elf_split(argv[2], m.base);
	if (!m.btf || libbpf_get_error(m.btf))
		return complain(argv[2], "no BTF") ? 1 : 0;
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	m.elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_RDWR_MMAP, NULL);
	if (!m.elf)
		return complain(argv[2], fd < 0 ? strerror(errno) : elf_errmsg(-1)) ? 1 : 0;
	/* the sections stay where they are */
	elf_flagelf(m.elf, ELF_C_SET, ELF_F_LAYOUT);
	err = read_sections(&m);
	if (err == 0)
		err = fill(&m);
	if (err >= 0 && elf_update(m.elf, ELF_C_WRITE) < 0)
		err = complain(argv[2], elf_errmsg(-1));
	elf_end(m.elf);
	close(fd);
	btf__free(m.btf);
	btf__free(m.base);
	if (err >= 0)
		printf("btf_ids: %d ids filled in\n", err);
	return err < 0;
}
