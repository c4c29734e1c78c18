#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# countries.pl LAYOUT TABLE FILE: writes a country database as the enrichment reads them.
# In:  country_code or country.iso_code; a table of prefix TAB country. Out: an MMDB. The tree is the scenario's own: no address in it
# says anything about the real world.
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my ($layout, $table, $file) = @ARGV;
die "usage: countries.pl country_code|country.iso_code TABLE FILE\n"
    unless defined $file && $layout =~ /^(country_code|country\.iso_code)$/;
my %types = (country => 'map', iso_code => 'utf8_string', country_code => 'utf8_string');
my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version            => 6,
    record_size           => 24,
    database_type         => "npa2008-countries",
    languages             => ['en'],
    description           => { en => 'Countries of a generated scenario' },
    map_key_type_callback => sub { $types{ $_[0] } },
    remove_reserved_networks => 0,
);
open my $in, '<', $table or die "$table: $!\n";
while (<$in>) {
    chomp;
    my ($prefix, $code) = split /\t/;
    $tree->insert_network($prefix, $layout eq 'country_code' ? { country_code => $code } : { country => { iso_code => $code } });
}
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
