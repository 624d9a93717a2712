#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples run as they stand, on what `make install` puts into a folder; and what is installed
is what it should be.

Without a word all but the one with franz-go, which is fetched; `--go` runs it too.
$MOLDAU_BUILD is the folder of the build, unless set build.
"""

import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402

BUILD = TREE / os.environ.get("MOLDAU_BUILD", "build")
EXAMPLES = TREE / "examples"
GO_SECONDS = 600  # Its own library is compiled at first.
MEASURED = re.compile(r"start [\d.]+ ?m?s, reset [\d.]+ ?m?s, stop [\d.]+ ?m?s")


def install(folder, prefix="/usr/local"):
    """The prefix of an installed tree below `folder`, and the environment that finds it."""
    stage = folder / "stage"
    peers.run(["cmake", "--install", BUILD, "--prefix", prefix],
              env={**os.environ, "DESTDIR": str(stage)})
    prefix = stage / prefix.lstrip("/")
    lib = next(prefix.glob("lib/**/libmoldau.a")).parent
    environment = {**os.environ, "MOLDAU": str(prefix / "bin/moldau"),
                   "MOLDAU_LIBRARY": str(lib / "libmoldau.so.0"), "LD_LIBRARY_PATH": str(lib),
                   "PKG_CONFIG_PATH": str(lib / "pkgconfig"), "TMPDIR": str(folder)}
    return prefix, environment


def symbols(*words):
    out = peers.run(["nm", "--defined-only", *words]).decode()
    return {line.split()[-1] for line in out.splitlines() if len(line.split()) == 3}


def declared():
    text = (TREE / "include/moldau.h").read_text()
    return set(re.findall(r"^MOLDAU_API .*?(moldau_\w+)\(", text, re.M))


def what_is_installed_shows_the_functions_of_the_header_alone(folder):
    prefix, environment = install(folder)
    lib = pathlib.Path(environment["MOLDAU_LIBRARY"]).parent
    assert len(declared()) == 8, declared()
    assert symbols("-D", lib / "libmoldau.so.0") == declared()
    assert symbols("-g", lib / "libmoldau.a") == declared()
    names = {path.name for path in (prefix / "bin").iterdir()}
    assert {"moldau", "kafka-topics.sh", "moldau-find.sh"} <= names, names
    said = peers.run([prefix / "bin/kafka-topics.sh", "--version"])
    assert re.match(rb"\d+\.\d+", said), said
    assert (prefix / "include/moldau.h").read_bytes() == (TREE / "include/moldau.h").read_bytes()


def in_c(folder):
    prefix, environment = install(folder)
    flags = peers.run(["pkg-config", "--cflags", "--libs", "moldau", "rdkafka"], env=environment)
    program = folder / "record"
    peers.run(["cc", "-Wall", "-Werror", EXAMPLES / "c/record.c", *flags.decode().split(), "-o",
               program])
    said = peers.run([program], env=environment).decode()
    assert MEASURED.search(said), said
    print(said.splitlines()[-1])

    flags = peers.run(["pkg-config", "--static", "--cflags", "--libs", "moldau"], env=environment)
    static = [word for word in flags.decode().split() if word != "-lmoldau"]
    lib = pathlib.Path(environment["MOLDAU_LIBRARY"]).parent
    peers.run(["cc", "-Wall", "-Werror", EXAMPLES / "c/record.c", lib / "libmoldau.a", *static,
               "-lrdkafka", "-o", program])
    said = peers.run([program]).decode()
    assert MEASURED.search(said), said


def in_python(folder):
    _, environment = install(folder)
    shutil.copytree(EXAMPLES / "python", folder / "python",
                    ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    said = peers.run([sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider",
                      folder / "python"], env=environment, cwd=folder / "python").decode()
    assert "7 passed" in said and len(MEASURED.findall(said)) == 2, said
    print("\n".join(line for line in said.splitlines() if MEASURED.search(line)))


def in_java(folder):
    _, environment = install(folder)
    jars = f"{peers.jars(peers.KAFKA_VERSION, False)}/*"
    peers.run(["javac", "-cp", jars, "-d", folder / "classes",
               *sorted((EXAMPLES / "java").glob("*.java"))])
    said = peers.run(["java", "-cp", f"{folder}/classes:{jars}", "Example"],
                     env=environment).decode()
    assert MEASURED.search(said) and "did you mean" not in said, said
    print(said.splitlines()[0])


def go_test(folder, environment):
    """What a folder's tests in Go say, by the Go that is at hand."""
    return peers.run(["go", "test", "-v", "-count=1", "."], cwd=folder, timeout=GO_SECONDS,
                     env={**environment, "GOTOOLCHAIN": "local"}).decode()


def in_go(folder):
    _, environment = install(folder)
    shutil.copytree(EXAMPLES / "go", folder / "go")
    said = go_test(folder / "go", environment)
    assert MEASURED.search(said), said
    print(next(line for line in said.splitlines() if MEASURED.search(line)))


def in_go_with_franz(folder):
    _, environment = install(folder)
    shutil.copytree(EXAMPLES / "go", folder / "go")
    said = go_test(folder / "go/franz", environment)
    assert MEASURED.search(said), said


def a_child_ends_with_the_program_that_started_it(folder):
    _, environment = install(folder)
    parent = ("import moldau, os\n"
              "broker = moldau.ChildBroker()\n"
              "print(broker.process.pid, broker.bootstrap, flush=True)\n"
              "os.kill(os.getpid(), 9)\n")
    done = subprocess.run([sys.executable, "-c", parent], env=environment, text=True,
                          cwd=EXAMPLES / "python", stdout=subprocess.PIPE,
                          timeout=peers.COMMAND_SECONDS)
    pid, bootstrap = done.stdout.split()
    assert done.returncode == -9 and bootstrap.startswith("127.0.0.1:"), done
    handle = None
    try:
        handle = os.pidfd_open(int(pid))
    except ProcessLookupError:
        pass
    if handle is not None:
        ready = select.select([handle], [], [], peers.STOP_SECONDS)[0]
        os.close(handle)
        assert ready, "the child lives on"
    assert not list(folder.glob("moldau-*")), list(folder.iterdir())


def the_service_manager_is_told(folder):
    _, environment = install(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(peers.START_SECONDS)
        server = subprocess.Popen(
            [environment["MOLDAU"], "server", "--port", "0", "--temporary"],
            env={**environment, "NOTIFY_SOCKET": str(folder / "notify")},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert manager.recv(1024).startswith(b"READY=1\n")
            server.terminate()
            assert manager.recv(1024) == b"STOPPING=1"
            assert server.wait(peers.STOP_SECONDS) == 0
        finally:
            server.kill()
            server.wait()


def a_wrong_word_of_a_host_is_explained(folder):
    _, environment = install(folder)
    for words, said in ((["--port", "65536"], "from 0 to 65535"), (["--port"], "wants a value"),
                        (["--control-fd", "77"], "not a descriptor that is open"),
                        (["--ready-fd", "77"], "not a descriptor that is open"),
                        (["--control-fd", "0"], "not a pipe")):
        done = subprocess.run([environment["MOLDAU"], "server", *words], capture_output=True,
                              text=True, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                              timeout=peers.COMMAND_SECONDS)
        assert done.returncode == 2 and said in done.stderr, (words, done)


if __name__ == "__main__":
    peers.enter_venv("../../examples/python/requirements.txt")
    names = [name for name, value in list(globals().items()) if value in cases.cases_of(globals())]
    if "--go" not in sys.argv:
        names.remove("in_go_with_franz")
    sys.exit(cases.main(globals(), names))
