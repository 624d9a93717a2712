#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages, as packaging/deb makes them out of build/: what is in them, and their file
of settings.  What happens when they are installed is tested by deb_root.py.
"""

import pathlib
import re
import shutil
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402

PROPERTIES = TREE / "build/etc/server.properties"
UNIT = TREE / "packaging/systemd/moldau.service"
ROW = re.compile(r'^CONFIG\(\w+, "([a-z0-9.]+)", \w+, (NULL|"[^"]*"), .*?, ([A-Z_| ]+),$', re.M)
EXPOSURE_MAX = 1.5  # Of 10, by systemd-analyze.


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, **options)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


# --- the file of settings ---------------------------------------------------------------


def rows():
    """Of config.def: the default of each key that is not retired, None where there is none."""
    text = (TREE / "src/broker/config.def").read_text()
    found = ROW.findall(text)
    assert len(found) == text.count("\nCONFIG("), "a row of config.def was not understood"
    return {key: None if default == "NULL" else default.strip('"')
            for key, default, flags in found if "RETIRED" not in flags}


def properties():
    """The defaults and the settings of the file, as (key, value)."""
    lines = PROPERTIES.read_text().splitlines()
    commented = [line[1:].split("=", 1) for line in lines if re.match(r"#[a-z][a-z0-9.]*=", line)]
    settings = [line.split("=", 1) for line in lines if line and line[0] != "#"]
    return commented, settings


class Packaged(peers.Moldau):
    """A server that has the file, with folder and port of its own."""

    def __init__(self, folder, text):
        super().__init__(folder)
        self.text = text.replace("/var/lib/moldau", str(folder / "data"))
        self.text = self.text.replace("127.0.0.1:9092", f"127.0.0.1:{self.port}")

    def prepare(self):
        (self.folder / "server.properties").write_text(self.text)

    def command(self):
        return [self.program, "server", "server.properties"]


def every_key_stands_in_the_file_with_its_default(folder):
    commented, settings = properties()
    assert dict(commented) == {key: value or "" for key, value in rows().items()}
    assert len(commented) == len(dict(commented)), "a key stands there twice"
    assert dict(settings) == {"listeners": "PLAINTEXT://127.0.0.1:9092",
                              "log.dirs": "/var/lib/moldau",
                              "offsets.topic.replication.factor": "1"}
    assert all(len(line) <= 100 for line in PROPERTIES.read_text().splitlines())


def a_server_starts_from_the_file(folder):
    with Packaged(folder, PROPERTIES.read_text()) as broker:
        assert "offsets" not in run(broker.program, "topics", "list", "--bootstrap-server",
                                    broker.bootstrap)
        assert (folder / "data/meta.properties").exists()
        assert broker.stop() == 0
    said = broker.log.read_text()
    assert " warn " not in said and " error " not in said, said


def a_server_starts_with_every_default_written_out(folder):
    # Not those that are not set, and not what the package sets otherwise.
    text = re.sub(r"^#([a-z][a-z0-9.]*=.)", r"\1", PROPERTIES.read_text(), flags=re.M)
    assert text.count("\nlog.segment.bytes=") == 1
    with Packaged(folder, text) as broker:
        assert (folder / "data/meta.properties").exists()
        assert broker.stop() == 0
    said = broker.log.read_text()
    assert " warn " not in said and " error " not in said, said


# --- the unit ---------------------------------------------------------------------------


def the_unit_is_what_systemd_understands(folder):
    if not shutil.which("systemd-analyze"):
        print("     systemd-analyze is not there: the unit is not verified")
        return
    unit = folder / "moldau.service"
    program = folder / "moldau"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = UNIT.read_text().replace("/usr/bin/moldau", str(program))
    unit.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True,
                          timeout=60)
    # It reads the units of this computer too, and may have words for those.
    assert "moldau.service" not in done.stderr and "/moldau" not in done.stderr, done.stderr
    said = run("systemd-analyze", "security", "--offline=true", unit)
    exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", said)[1])
    assert exposure <= EXPOSURE_MAX, said


def the_unit_allows_what_the_server_calls(folder):
    text = UNIT.read_text()
    assert re.search(r"^SystemCallFilter=@system-service$", text, re.M)
    assert "~@resources" not in text.replace(" ", "") and "Type=notify" in text


# --- the packages -----------------------------------------------------------------------


def fields(package):
    """Of its control file."""
    text = re.sub(r"\n ", " ", run("dpkg-deb", "-f", package))
    return dict(line.split(": ", 1) for line in text.splitlines())


def check_program(root, about):
    names = {path.name for path in (root / "usr/bin").iterdir()}
    scripts = {path.name for path in (TREE / "bin").glob("*.sh")}
    assert scripts <= names
    for script in scripts:
        if script.startswith("kafka-"):
            plain = root / "usr/bin" / script.removesuffix(".sh")
            assert plain.is_symlink() and plain.readlink().name == script
    said = run(root / "usr/bin/kafka-topics", "--version", env={"PATH": "/usr/bin:/bin"})
    assert said.strip(), said
    manual = {path.name for path in (root / "usr/share/man/man1").iterdir()}
    assert {"moldau.1.gz", "kafka-topics.1.gz", "kafka-topics.sh.1.gz"} <= manual
    assert (root / "usr/share/bash-completion/completions/moldau").exists()
    assert (root / "lib/systemd/system/moldau.service").read_text() == UNIT.read_text()
    assert (root / "etc/moldau/server.properties").read_text() == PROPERTIES.read_text()
    assert not (root / "usr/lib").exists(), "the module is in its own package"
    assert "adduser" in about["Depends"] and "libc6 (>=" in about["Depends"]


def check_scripts(package, folder):
    """The service is dealt with; the folder of the data is there before it starts."""
    run("dpkg-deb", "-e", package, folder)
    assert (folder / "conffiles").read_text() == "/etc/moldau/server.properties\n"
    scripts = {name: (folder / name).read_text() for name in ("postinst", "prerm", "postrm")}
    for name, text in scripts.items():
        run("sh", "-n", folder / name)
        assert "systemctl" in text or "deb-systemd" in text, name
    after = scripts["postinst"]
    assert after.index("adduser") < after.index("deb-systemd-invoke")
    assert "_dh_action=restart" in after and "enable 'moldau.service'" in after
    assert "stop 'moldau.service'" in scripts["prerm"]


def check_library(root, folder):
    """The example of the library is built with nothing but what the packages bring."""
    found, = root.glob("usr/lib/*/pkgconfig")
    words = ["--cflags", "--libs", "moldau"]
    flags = run("pkg-config", *words, env={"PATH": "/usr/bin:/bin", "PKG_CONFIG_LIBDIR": found,
                                           "PKG_CONFIG_SYSROOT_DIR": root}).split()
    (folder / "version.c").write_text(
        "#include <moldau.h>\nint main(void) { return moldau_start == 0; }\n")
    run("gcc", "-o", folder / "version", folder / "version.c", *flags,
        f"-L{found.parent}", env={"PATH": "/usr/bin:/bin"})
    run(folder / "version", env={"LD_LIBRARY_PATH": found.parent})


def the_packages_have_what_they_are_for(folder):
    run(TREE / "packaging/deb", "7.8.9", folder / "out")
    packages = {path.name.split("_")[0]: path for path in (folder / "out").glob("*.deb")}
    assert set(packages) == {"moldau", "moldau-http", "libmoldau0", "libmoldau-dev"}, packages
    about = {name: fields(path) for name, path in packages.items()}
    for name, path in packages.items():
        assert about[name]["Version"] == "7.8.9"
        root = folder / ("development" if name.startswith("lib") else name)
        run("dpkg-deb", "-x", path, root)
        for line in run("dpkg-deb", "-c", path).splitlines():
            assert line.split()[1] == "root/root", line
            assert line[0] == "l" or line[8] != "w", line

    check_program(folder / "moldau", about["moldau"])
    check_scripts(packages["moldau"], folder / "control")
    modules = [path.relative_to(folder / "moldau-http") for path in
               (folder / "moldau-http").rglob("*.so")]
    assert modules == [pathlib.Path("usr/lib/moldau/http.so")], modules
    assert "moldau (= 7.8.9)" in about["moldau-http"]["Depends"]
    assert "libmicrohttpd12" in about["moldau-http"]["Depends"]
    assert "libzstd1" in about["libmoldau0"]["Depends"]
    assert "libmoldau0 (= 7.8.9)" in about["libmoldau-dev"]["Depends"]
    check_library(folder / "development", folder)


if __name__ == "__main__":
    sys.exit(cases.main(globals(), sys.argv[1:]))
