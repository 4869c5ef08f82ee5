"""Fashion-MNIST by name, from a server on this machine."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from data_files import complaint, idx_bytes, opened

from builder import data
from builder.data import download, fashion
from builder.data.download import Remote
from builder.files import OutputError

IMAGES, LABELS = idx_bytes(torch.arange(2 * 28 * 28).reshape(2, 28, 28) % 256), idx_bytes([9, 0])


class Server(ThreadingHTTPServer):
    """Serves `files`; `promised` says that a file is longer than what comes."""

    files: dict[str, bytes]
    promised: dict[str, int]
    asked: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.promised.get(name, len(content))))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between this machine and itself."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Two small files in the place of Fashion-MNIST's, and an empty cache."""
    server = Server(("127.0.0.1", 0), Handler)
    server.files, server.promised, server.asked = {"images.gz": b"", "labels": LABELS}, {}, []
    server.files["images.gz"] = gzip.compress(IMAGES, mtime=0)
    remotes = tuple(Remote(name, hashlib.md5(content).hexdigest()) for name, content in server.files.items())
    monkeypatch.setitem(fashion.FILES, "fashion-mnist", remotes)
    monkeypatch.setenv("TOMOGRAPH_FASHION_MNIST_URL", server.address)
    monkeypatch.setenv("TOMOGRAPH_CACHE", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def cached(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in (tmp_path / "cache" / "fashion-mnist").iterdir())


def test_files_are_downloaded_once(tmp_path: Path, server: Server) -> None:
    source = opened(tmp_path, "fashion-mnist")
    assert source.fields == (data.FieldType("image", (1, 28, 28)), data.FieldType("target", (), "int64", 0, 10))
    assert source.values("target").tolist() == [9, 0]
    assert torch.equal(source.values("image").flatten() * 255, (torch.arange(2 * 28 * 28) % 256).float())
    assert cached(tmp_path) == ["images.gz", "labels"]
    opened(tmp_path, "fashion-mnist")
    assert server.asked == ["images.gz", "labels"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(tmp_path: Path, server: Server) -> None:
    opened(tmp_path, "fashion-mnist")
    (tmp_path / "cache" / "fashion-mnist" / "labels").write_bytes(LABELS[:-1])
    assert opened(tmp_path, "fashion-mnist").values("target").tolist() == [9, 0]
    assert server.asked == ["images.gz", "labels", "labels"]


def test_what_goes_wrong_says_what_to_do_and_leaves_nothing(tmp_path: Path, server: Server) -> None:
    url = f"{server.address}labels"
    to_do = (
        f". Put images.gz, labels into {tmp_path / 'cache' / 'fashion-mnist'} by hand, "
        "or name a place that has them in TOMOGRAPH_FASHION_MNIST_URL"
    )
    server.promised["labels"] = len(LABELS) + 5
    broke_off = f"cannot download {url}: it broke off after {len(LABELS)} of {len(LABELS) + 5} bytes"
    assert complaint(tmp_path, "fashion-mnist") == broke_off + to_do
    server.promised.clear()
    server.files["labels"] = LABELS[:-1] + b"\1"
    wrong, right = hashlib.md5(LABELS[:-1] + b"\1").hexdigest(), hashlib.md5(LABELS).hexdigest()
    assert complaint(tmp_path, "fashion-mnist") == f"cannot use {url}: its MD5 is {wrong}, not {right}" + to_do
    del server.files["labels"]
    assert complaint(tmp_path, "fashion-mnist") == f"cannot download {url}: the server says 404 Not Found" + to_do
    assert cached(tmp_path) == ["images.gz"]


def test_what_is_too_large_is_given_up(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", 10)
    assert "images.gz: it is larger than 10 bytes" in complaint(tmp_path, "fashion-mnist")
    assert cached(tmp_path) == []


def test_no_server(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOGRAPH_FASHION_MNIST_URL", "http://127.0.0.1:1")
    (tmp_path / "cache" / "fashion-mnist").mkdir(parents=True)
    (tmp_path / "cache" / "fashion-mnist" / "images.gz").write_bytes(b"half")
    said = complaint(tmp_path, "fashion-mnist")
    assert said.startswith("cannot download http://127.0.0.1:1/images.gz: Connection refused (")
    assert "images.gz is there, but damaged). Put images.gz, labels into " in said


@pytest.mark.parametrize("address", ["nonsense", "http://[", "http://127.0.0.1:notaport", "http://a b/", ""])
def test_addresses_that_are_none(tmp_path: Path, server: Server, address: str) -> None:
    with pytest.raises(data.DataError, match=r"cannot download .*labels"):
        download.obtain([Remote("labels", "0" * 32)], address, tmp_path)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(data.DataError, match=r"cannot download .*labels: timed out"):
            download.obtain([Remote("labels", "0" * 32)], address, tmp_path, timeout=0.1)


def test_files_put_there_by_hand_need_no_server(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "cache" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, content in server.files.items():
        (folder / name).write_bytes(content)
    assert len(opened(tmp_path, "fashion-mnist")) == 2
    assert server.asked == []


def test_a_cache_that_cannot_be_written(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOMOGRAPH_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot write .*images.gz"):
        opened(tmp_path, "fashion-mnist")


def test_where_downloads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOGRAPH_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    assert download.cache_folder("x") == Path("/own/x")
    monkeypatch.delenv("TOMOGRAPH_CACHE")
    assert download.cache_folder("x") == Path("/shared/tomograph/x")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert download.cache_folder("x") == Path("/home/me/.cache/tomograph/x")


def test_the_official_files() -> None:
    assert [each.name for files in fashion.FILES.values() for each in files] == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]
