# SPDX-License-Identifier: Apache-2.0
"""A Kafka broker for tests: libmoldau by ctypes, or `moldau server` as a child process.

    with Broker() as broker:
        KafkaProducer(bootstrap_servers=broker.bootstrap)...
        broker.reset()

With pytest, `pytest_plugins = ["moldau"]` in conftest.py gives the fixtures

    kafka_broker            one broker for the whole run, emptied before each test
    kafka_broker_session    the same broker, as the tests before have left it
    kafka_broker_alone      a broker for this test alone, in a process of its own

$MOLDAU_LIBRARY is the library, unless set libmoldau.so.0; $MOLDAU the program, unless set `moldau`.
"""

import ctypes
import os
import subprocess

TEXT_MAX = 1024
LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
BUG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class Options(ctypes.Structure):
    """struct moldau_options"""
    _fields_ = [("size", ctypes.c_size_t), ("folder", ctypes.c_char_p),
                ("temporary_in", ctypes.c_char_p), ("port", ctypes.c_int),
                ("shards", ctypes.c_int), ("overrides", ctypes.POINTER(ctypes.c_char_p)),
                ("log", LOG), ("bug", BUG), ("context", ctypes.c_void_p)]


class MoldauError(Exception):
    """Its text says what to do; `code` is enum moldau_error, 0 for a child process."""

    def __init__(self, text, code=0):
        super().__init__(text)
        self.code = code


def load():
    library = ctypes.CDLL(os.environ.get("MOLDAU_LIBRARY") or "libmoldau.so.0")
    library.moldau_start.argtypes = [ctypes.POINTER(Options), ctypes.POINTER(ctypes.c_void_p),
                                     ctypes.c_char_p]
    library.moldau_bootstrap.argtypes = [ctypes.c_void_p]
    library.moldau_bootstrap.restype = ctypes.c_char_p
    for name in ("reset", "restart", "stop"):
        getattr(library, f"moldau_{name}").argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


class Broker:
    """A broker in this process.  `overrides` are Kafka's configuration keys and values."""

    def __init__(self, folder=None, port=0, overrides=None, log=None):
        pairs = [f"{key}={value}".encode() for key, value in (overrides or {}).items()]
        self.library = load()
        self.log = LOG(lambda context, level, line: log and log(level, line.decode()))
        self.bugs = []
        self.bug = BUG(lambda context, what: self.bugs.append(what.decode()))
        self.handle = ctypes.c_void_p()
        options = Options(size=ctypes.sizeof(Options), folder=folder and os.fsencode(folder),
                          port=port, log=self.log, bug=self.bug,
                          overrides=(ctypes.c_char_p * (len(pairs) + 1))(*pairs, None))
        self._call("start", ctypes.byref(options), ctypes.byref(self.handle))

    def _call(self, name, *args):
        why = ctypes.create_string_buffer(TEXT_MAX)
        code = getattr(self.library, f"moldau_{name}")(*args, why)
        if code:
            raise MoldauError(why.value.decode(), code)

    @property
    def bootstrap(self):
        return self.library.moldau_bootstrap(self.handle).decode()

    def reset(self):
        """No topic, no group, no record; the same address."""
        self._call("reset", self.handle)

    def restart(self):
        """A clean stop and a start, with all data."""
        self._call("restart", self.handle)

    def stop(self):
        if self.handle:
            handle, self.handle = self.handle, None
            self._call("stop", handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ChildBroker:
    """A broker in a process of its own, which ends with this one."""

    def __init__(self, folder=None, port=0, overrides=None):
        words = [os.environ.get("MOLDAU") or "moldau", "server", "--port", str(port),
                 "--ready-fd", "1", "--control-fd", "0"]
        words += ["--override", f"log.dirs={folder}"] if folder else ["--temporary"]
        for key, value in (overrides or {}).items():
            words += ["--override", f"{key}={value}"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self._await_ready()

    def _await_ready(self):
        word, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        if word != "ready":
            raise MoldauError(rest or "moldau server has ended; see its standard error")
        self.bootstrap = rest

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def reset(self):
        self._say("reset")
        self._await_ready()

    def restart(self):
        self._say("restart")
        self._await_ready()

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait():
            raise MoldauError("the stop was not clean; see its standard error")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


try:
    import pytest
except ImportError:
    pytest = None

if pytest:
    @pytest.fixture(scope="session")
    def kafka_broker_session():
        with Broker() as broker:
            yield broker

    @pytest.fixture
    def kafka_broker(kafka_broker_session):
        kafka_broker_session.reset()
        return kafka_broker_session

    @pytest.fixture
    def kafka_broker_alone():
        with ChildBroker() as broker:
            yield broker
