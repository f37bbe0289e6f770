"""What an object store owes: the same tests on a folder and on an S3-compatible server."""

import hashlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.store.files import Files
from heatloop.store.objects import ObjectStore, S3Access, open_objects

SECRET = "a-secret-of-the-store"
_RUN = """
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
import time, threading
server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
server.start()
threading.Event().wait()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 server of another make (moto), in a process of its own; returns its address."""
    pytest.importorskip("moto")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        wish = urllib.request.Request(f"{url}/plant", method="PUT")
        urllib.request.urlopen(wish, timeout=5).close()
        yield url
    finally:
        server.terminate()
        server.wait(10)


def access_to(url: str, tmp_path: Path) -> S3Access:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    return S3Access(endpoint=url, region="us-east-1", access_key="keeper", secret_file=str(secret))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "folder":
        yield open_objects(str(tmp_path / "objects"))
        return
    access = access_to(request.getfixturevalue("s3"), tmp_path)
    made = open_objects(f"s3://plant/{tmp_path.name.replace('[', '').replace(']', '')}", access)
    yield made
    made.close()


def test_what_is_put_comes_back_whole_and_in_pieces(store: ObjectStore) -> None:
    data = bytes(range(256)) * 5000
    store.put("a/b/one", data)
    assert store.get("a/b/one") == data
    assert store.get("a/b/one", 300, 7) == data[300:307]
    assert store.get("a/b/one", 1_279_000) == data[1_279_000:]
    store.put("a/b/one", b"other")
    assert store.get("a/b/one") == b"other"


def test_what_is_not_there_is_an_input_error(store: ObjectStore) -> None:
    with pytest.raises(InputError, match="no such object"):
        store.get("a/none")
    assert not store.has("a/none")
    store.put("a/some", b"12345")
    assert store.has("a/some")
    with pytest.raises(InputError):
        store.get("a/some", 3, 10)
    store.delete("a/none")


def test_a_list_holds_what_is_below_a_prefix_and_no_more(store: ObjectStore) -> None:
    for name in ("x/1", "x/2", "xy/3", "z"):
        store.put(name, name.encode())
    assert [each.name for each in store.list("x")] == ["x/1", "x/2"]
    assert [(e.name, e.size_bytes) for e in store.list()] == [
        ("x/1", 3), ("x/2", 3), ("xy/3", 4), ("z", 1),
    ]  # fmt: skip
    store.delete("x/1")
    assert [each.name for each in store.list("x")] == ["x/2"]


@pytest.mark.parametrize(
    "name", ["../up", "/etc/x", "a//b", "", "a/.hidden", "a\\b", "a b", "x" * 600]
)
def test_no_name_leaves_the_store(store: ObjectStore, name: str) -> None:
    with pytest.raises(InputError):
        store.put(name, b"x")
    with pytest.raises(InputError):
        store.get(name)


def test_files_are_named_by_checksum_and_damage_is_found(store: ObjectStore) -> None:
    files = Files(store)
    photo = b"\x89PNG\r\n\x1a\n" + b"picture" * 1000
    digest, media = files.put(photo)
    assert (digest, media) == (hashlib.sha256(photo).hexdigest(), "image/png")
    assert files.get(digest) == photo
    store.put(f"{digest[:2]}/{digest}", photo[:-1] + b"!")
    with pytest.raises(InputError, match="damaged"):
        files.get(digest)


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (b"%PDF-1.7 x", "application/pdf"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"OggS\x00\x02 voice", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3 webm", "audio/webm"),
        (b'{"meter": 12.5, "read_by": "\xe5\xbc\xa0"}', "application/json"),
    ],
)
def test_every_kind_of_file_is_known_by_its_content(
    store: ObjectStore, data: bytes, media: str
) -> None:
    files = Files(store)
    digest, found = files.put(data, every=True)
    assert found == media
    assert files.get(digest) == data


def test_programs_and_half_documents_are_no_files(store: ObjectStore) -> None:
    for data in (b"\x7fELF\x02", b"#!/bin/sh\n", b"{half", b"<html>"):
        with pytest.raises(InputError, match="not kept"):
            Files(store).put(data, every=True)
    with pytest.raises(InputError, match="not kept"):
        Files(store).put(b"OggS voice")


def test_a_secret_others_can_read_is_refused(tmp_path: Path) -> None:
    access = access_to("http://127.0.0.1:1", tmp_path)
    Path(access.secret_file).chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        open_objects("s3://plant/x", access)


def test_plain_http_stays_on_this_machine(tmp_path: Path) -> None:
    access = access_to("http://store.example", tmp_path)
    with pytest.raises(ConfigError, match="plain http"):
        open_objects("s3://plant/x", access)


def test_a_store_that_does_not_answer_is_a_link_error(tmp_path: Path) -> None:
    store = open_objects("s3://plant/x", access_to(f"http://127.0.0.1:{free_port()}", tmp_path))
    with pytest.raises(LinkError, match="not reachable"):
        store.get("a")
    store.close()


def test_a_bucket_that_is_not_there_is_a_link_error(s3: str, tmp_path: Path) -> None:
    store = open_objects("s3://nobody/x", access_to(s3, tmp_path))
    with pytest.raises(LinkError, match="refused"):
        store.put("a", b"x")
    store.close()
