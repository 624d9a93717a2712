#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of the Debian packages in a clean Debian: installed, started and used, upgraded with
settings and data kept, removed, installed again, purged.

mmdebstrap makes the Debian, from the sources that this computer has.  There is no systemd in it:
the server is started as its unit says, and has a socket for what it would tell systemd.  As root.
"""

import ctypes
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BROKER, METRICS = "127.0.0.1:9092", "127.0.0.1:9644"
# What the packages depend on, and kcat: the rest is done without a network.
INCLUDED = "adduser,kcat,libmicrohttpd12,libsnappy1v5"
VERSIONS = ("1.0.0", "1.0.1")
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SECONDS = 30


def run(*words, good=True, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, timeout=600,
                          **({"stdin": subprocess.DEVNULL} | options))
    assert (done.returncode == 0) == good, f"{words}: {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


def debian_sources():
    """The files that name Debian's own archive, and the release that this computer has."""
    apt = pathlib.Path("/etc/apt")
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.sources")),
             *sorted((apt / "sources.list.d").glob("*.list"))]
    files = [path for path in files
             if path.exists() and re.search(r"//\S+/debian\b", path.read_text())]
    release = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text())
    return release[1], files


def enter_a_network_of_our_own():
    """Nothing is in the way of port 9092 here, and nobody else sees who listens there; mounts are
    ours, too, and end with us."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    run("mount", "--make-rprivate", "/")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        flags, = struct.unpack_from("16xh", fcntl.ioctl(one, SIOCGIFFLAGS,
                                                       struct.pack("16sh22x", b"lo", 0)))
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


class Clean:
    """A Debian in a folder."""

    def __init__(self, root):
        self.root = root
        self.server = None
        self.notices = None

    def path(self, name):
        return self.root / name.lstrip("/")

    def run(self, *words, **options):
        return run("chroot", self.root, *words, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C"}, **options)

    def install(self, folder, *names):
        packages = [next(folder.glob(f"{name}_*.deb")) for name in names]
        for package in packages:
            shutil.copy(package, self.path("/tmp"))
        said = self.run("dpkg", "-i", *[f"/tmp/{package.name}" for package in packages])
        assert "Configuration file" not in said, said  # Nobody is asked about a file.

    def version(self, package):
        return self.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", package)

    def unit(self, key):
        text = self.path("/lib/systemd/system/moldau.service").read_text()
        return re.search(rf"^{key}=(.*)$", text, re.M)[1]

    def owner(self, name):
        return self.run("stat", "-c", "%U:%G %a", name).strip()

    # --- the server, as the unit starts it ------------------------------------------------

    def launch(self):
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.settimeout(SECONDS)
        place = self.path("/run/notify")
        place.unlink(missing_ok=True)
        self.notices.bind(str(place))
        place.chmod(0o777)
        with open(self.root.parent / "server.log", "ab") as log:
            self.server = subprocess.Popen(
                ["chroot", f"--userspec={self.unit('User')}:{self.unit('Group')}", self.root,
                 "/bin/sh", "-c", 'cd "$0" && exec $1', self.unit("WorkingDirectory"),
                 self.unit("ExecStart")],
                env={"PATH": "/usr/sbin:/usr/bin:/bin", "NOTIFY_SOCKET": "/run/notify"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_for(self, word):
        text = self.notices.recv(4096).decode()
        assert word in text.splitlines(), text

    def start(self):
        self.launch()
        self.wait_for("READY=1")
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        user = int(self.run("id", "-u", "moldau"))
        assert re.search(rf"^Uid:\s+{user}\s", status, re.M) and user > 0, status

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        self.wait_for("STOPPING=1")
        assert self.server.wait(SECONDS) == 0
        self.notices.close()

    def end(self):
        if self.server and self.server.poll() is None:
            self.server.kill()
            self.server.wait()


# --- the steps of its life, in their order -----------------------------------------------


def it_is_installed(clean, folder):
    clean.install(folder / VERSIONS[0], "moldau")
    assert clean.owner("/var/lib/moldau") == "moldau:moldau 750"
    assert clean.owner("/etc/moldau/server.properties") == "root:root 644"
    wanted = clean.path("/etc/systemd/system/multi-user.target.wants/moldau.service")
    assert wanted.is_symlink(), "the service is not enabled"


def it_is_started_and_used_with_kcat(clean, folder):
    clean.start()
    clean.run("kafka-topics", "--bootstrap-server", BROKER, "--create", "--topic", "kept")
    assert clean.run("kafka-topics.sh", "--bootstrap-server", BROKER, "--list").strip() == "kept"
    clean.run("kcat", "-b", BROKER, "-P", "-t", "kept", "-X", "acks=all", input="one\ntwo\n",
              stdin=None)
    assert records(clean) == ["one", "two"]
    said = clean.run("kcat", "-b", BROKER, "-C", "-G", "readers", "-X",
                     "auto.offset.reset=earliest", "-c", "2", "kept")
    assert "one\ntwo\n" in said, said
    clean.stop()


def records(clean):
    return clean.run("kcat", "-q", "-b", BROKER, "-C", "-t", "kept", "-e").split()


def a_module_that_is_missing_is_named(clean, folder):
    with open(clean.path("/etc/moldau/server.properties"), "a") as settings:
        settings.write(f"metrics.listener={METRICS}\n")
    clean.launch()
    assert clean.server.wait(SECONDS) != 0
    assert "install the package moldau-http" in (folder / "server.log").read_text()
    clean.notices.close()
    clean.install(folder / VERSIONS[0], "moldau-http")
    clean.start()
    with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=SECONDS) as answer:
        assert b"kafka_server_kafkaserver_brokerstate 3" in answer.read()


def an_upgrade_keeps_settings_and_data(clean, folder):
    # The server runs on while the files are exchanged, as it does with systemd.
    clean.install(folder / VERSIONS[1], "moldau", "moldau-http", "libmoldau0")
    assert clean.version("moldau") == f"{VERSIONS[1]} installed"
    assert records(clean) == ["one", "two"]
    clean.stop()
    clean.start()
    assert records(clean) == ["one", "two"]
    assert f"metrics.listener={METRICS}" in clean.path("/etc/moldau/server.properties").read_text()
    clean.stop()


def it_goes_back_to_the_version_before(clean, folder):
    clean.install(folder / VERSIONS[0], "moldau", "moldau-http", "libmoldau0")
    clean.start()
    assert records(clean) == ["one", "two"]
    clean.stop()


def the_files_are_in_order(clean, folder):
    said = clean.run("moldau", "check", "/var/lib/moldau")
    assert "FAIL" not in said and "damag" not in said, said


def a_removal_keeps_settings_and_data(clean, folder):
    clean.run("dpkg", "-r", "moldau-http", "moldau")
    assert not clean.path("/usr/bin/moldau").exists()
    assert clean.path("/var/lib/moldau/kept-0").exists()
    assert f"metrics.listener={METRICS}" in clean.path("/etc/moldau/server.properties").read_text()
    clean.install(folder / VERSIONS[1], "moldau", "moldau-http")
    clean.start()
    assert records(clean) == ["one", "two"]
    clean.stop()


def a_purge_leaves_nothing_but_the_user(clean, folder):
    clean.run("dpkg", "-P", "moldau-http", "moldau", "libmoldau0")
    left = clean.run("find", "/etc", "/var/lib", "/usr", "/lib/systemd", "-name", "*moldau*",
                     "-not", "-path", "/usr/share/doc/*")
    assert not left.strip(), left
    assert clean.run("id", "-u", "moldau").strip().isdigit()


STEPS = [it_is_installed, it_is_started_and_used_with_kcat, a_module_that_is_missing_is_named,
         an_upgrade_keeps_settings_and_data, it_goes_back_to_the_version_before,
         the_files_are_in_order, a_removal_keeps_settings_and_data,
         a_purge_leaves_nothing_but_the_user]


def live(folder):
    release, sources = debian_sources()
    root = folder / "root"
    run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", release, root,
        *sources)
    for version in VERSIONS:
        run(TREE / "packaging/deb", version, folder / version)
    if shutil.which("lintian"):
        run("lintian", "--allow-root", "--fail-on", "error",
            *sorted((folder / VERSIONS[0]).glob("*.deb")))
    else:
        print("     lintian is not there: the packages go without its word")
    enter_a_network_of_our_own()
    run("mount", "-t", "proc", "proc", root / "proc")
    clean = Clean(root)
    passed = 0
    try:
        for step in STEPS:
            step(clean, folder)
            passed += 1
            print(f"ok   {step.__name__}", flush=True)
    except Exception as problem:  # noqa: BLE001 (what follows needs this step)
        log = folder / "server.log"
        print(f"FAIL {STEPS[passed].__name__}: {problem!r}")
        print(log.read_text()[-2000:] if log.exists() else "")
    finally:
        clean.end()
        run("umount", root / "proc")
    return passed


def main():
    if os.geteuid() != 0:
        print("SKIP a clean Debian can be made by root alone")
        print(f"0 passed, 0 failed, {len(STEPS)} skipped")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        passed = live(pathlib.Path(folder))
    failed = passed < len(STEPS)
    print(f"{passed} passed, {int(failed)} failed, 0 skipped")
    return failed


if __name__ == "__main__":
    sys.exit(main())
