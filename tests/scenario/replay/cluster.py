# SPDX-License-Identifier: GPL-2.0-or-later
"""cluster.py - one private PostgreSQL for all replays of a scenario, and questions to it.

In:  OTORI (the program), a folder below build/. Out: class Cluster. Imported by the scenarios of this folder. Ends only what it began.
"""
import os
import shutil
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


class Cluster:
    def __init__(self, name):
        if os.geteuid() != 0:
            print("needs root: it loads the XDP program")
            sys.exit(77)
        self.otori = os.environ.get("OTORI", os.path.join(TOP, "build", "otori"))
        self.folder = os.environ.get("SCENARIO_DIRECTORY", os.path.join(TOP, "build", name))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.join(self.folder, "tmp"))
        self.postgres = os.path.join(self.folder, "postgres")
        self.log = open(os.path.join(self.folder, "postgres.log"), "w+b")
        self.server = subprocess.Popen([self.otori, "init-db", "--embedded", self.postgres, "--serve"], stdout=self.log,
                                       stderr=subprocess.STDOUT)
        self.wrong = []

    def __enter__(self):
        for _ in range(600):
            self.log.seek(0)
            if b"serving" in self.log.read():
                return self
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        self.__exit__()
        self.log.seek(0)
        sys.exit(f"the private cluster did not start: {self.log.read().decode()}")

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments, stdin=None, database=True):
        """otori replay with these arguments: (status, stdout, stderr)."""
        command = [self.otori, "replay"] + (["--embedded", self.postgres] if database else []) + list(arguments)
        environment = dict(os.environ, TMPDIR=self.path("tmp"))
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, timeout=300, env=environment)
        return done.returncode, done.stdout, done.stderr

    def replay(self, sensor, *arguments, status=0, **options):
        """The same, which must end with that status; a complaint only where it fails."""
        got, out, complaint = self.run("--sensor", sensor, *arguments, **options)
        if got != status or bool(complaint) != bool(status):
            self.wrong.append(f"{sensor}: status {got} instead of {status}: {complaint}")
        return out, complaint

    def ask(self, sql):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", os.path.join(self.postgres, "socket"), "-d",
                               "otori", "-c", sql], check=True, capture_output=True, text=True).stdout.rstrip("\n")

    def expect(self, what, expected, got):
        if expected != got:
            self.wrong.append(f"{what}: expected\n{expected}\ngot\n{got}")

    def ledger_closes(self, sensor):
        self.expect(f"{sensor}: the ledger closes", "", self.ask(
            f"select minute, equation, difference from ledger_balance where sensor = '{sensor}' and difference <> 0"))

    def judge(self):
        left = os.listdir(self.path("tmp"))
        if left:
            self.wrong.append(f"left behind: {left}")
        for line in self.wrong:
            print(line)
        return 1 if self.wrong else 0
