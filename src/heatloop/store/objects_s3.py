"""Objects in a bucket of an S3-compatible store (AWS, MinIO, Ceph, OSS, COS and others)."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.store.objects import ObjectInfo, S3Access, check_name, no_object

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NONE = ("NoSuchKey", "NoSuchObject", "ResourceNotFound")
_TIMEOUT_S = 60.0


def read_secret(path: str) -> str:
    """Return the secret in a file.

    Raises:
        ConfigError: It cannot be read, or others can read it.
    """
    if not path:
        raise ConfigError("no secret", thing="secret_file", fix="name the file that holds it")
    file = Path(path)
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError("others can read the secret", thing=path, fix=f"chmod 600 {path}")
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError("secret cannot be read", thing=path, fix="check the file") from error


class S3Objects:
    """A prefix in a bucket that exists; the key needs get, put, delete and list in it."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        parts = urlsplit(access.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("no address", thing=access.endpoint, fix="give https://host[:port]")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ConfigError("plain http leaves this machine", thing=access.endpoint, fix="https")
        self._bucket = bucket
        self._prefix = f"{check_name(prefix)}/" if prefix else ""
        context = ssl.create_default_context(cafile=access.ca_file or None)
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(_TIMEOUT_S),
            retries=urllib3.Retry(total=3, backoff_factor=0.2, status_forcelist=(500, 502, 503)),
            ssl_context=context,
        )
        self._client = Minio(
            endpoint=parts.netloc,
            access_key=access.access_key,
            secret_key=read_secret(access.secret_file),
            region=access.region or None,
            secure=parts.scheme == "https",
            http_client=self._pool,
        )

    @property
    def url(self) -> str:
        """Return bucket and prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes; the store checks them against their MD5 or SHA-256 on arrival."""
        with self._asking(name):
            self._client.put_object(
                bucket_name=self._bucket,
                object_name=self._name(name),
                data=io.BytesIO(data),
                length=len(data),
            )

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return an object or a piece of it."""
        if length == 0:
            return b""
        with self._asking(name):
            reply = self._client.get_object(
                bucket_name=self._bucket,
                object_name=self._name(name),
                offset=start,
                length=length or 0,
            )
            try:
                data = bytes(reply.read())
            finally:
                reply.close()
                reply.release_conn()
        if length is not None and len(data) != length:
            raise InputError("object is shorter than that", thing=name, fix="restore it")
        return data

    def has(self, name: str) -> bool:
        """Return whether there is such an object."""
        try:
            with self._asking(name):
                self._client.stat_object(bucket_name=self._bucket, object_name=self._name(name))
        except InputError:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Give the objects below a prefix, by name."""
        start = self._prefix + (f"{check_name(prefix)}/" if prefix else "")
        with self._asking(prefix):
            for each in self._client.list_objects(
                bucket_name=self._bucket, prefix=start, recursive=True
            ):
                name = str(each.object_name)[len(self._prefix) :]
                yield ObjectInfo(name=name, size_bytes=int(each.size or 0))

    def delete(self, name: str) -> None:
        """Remove an object."""
        with self._asking(name):
            self._client.remove_object(bucket_name=self._bucket, object_name=self._name(name))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _name(self, name: str) -> str:
        return self._prefix + check_name(name)

    @contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            if error.code in _NONE:
                raise no_object(name) from error
            raise LinkError(
                f"object store refused: {error.code} {error.message}",
                thing=self.url,
                fix="check bucket, key and rights",
            ) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise LinkError(
                f"object store is not reachable: {error}", thing=self.url, fix="it is tried again"
            ) from error
