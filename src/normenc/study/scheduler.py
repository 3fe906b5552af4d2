"""A Dask scheduler: its address, the certificates it needs, and how long to wait for it."""

import socket
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from normenc.errors import InputError, NormencWarning
from normenc.extras import needs_nets

__all__ = ["Scheduler", "SchedulerWarning", "host_and_port", "warn_if_open"]

WAIT = 60.0  # seconds
ENCRYPTED = ("tls", "wss")


class SchedulerWarning(NormencWarning):
    """A scheduler that others can reach, or a worker that is left out."""


@dataclass(frozen=True)
class Scheduler:
    """A Dask scheduler whose workers train.

    Attributes
    ----------
    address : str
        As it printed it, such as ``"tls://10.0.0.1:8786"``. One that begins with ``tcp://`` is neither encrypted nor
        protected: anyone who can reach it can run code as you.
    tls_ca, tls_cert, tls_key : str or Path, optional
        Files in PEM format: the certificate that signed the scheduler's and the workers' own, that of this client, and
        its key. Without any, Dask's own configuration (``distributed.comm.tls``) applies.
    wait : float
        Seconds to wait for the scheduler to answer, and for workers when there are none, before giving up.

    Examples
    --------
    >>> Scheduler("10.0.0.1:8786").address
    'tcp://10.0.0.1:8786'
    >>> Scheduler("tls://10.0.0.1:8786").is_open
    False
    """

    address: str
    tls_ca: str | Path | None = None
    tls_cert: str | Path | None = None
    tls_key: str | Path | None = None
    wait: float = WAIT

    def __post_init__(self) -> None:
        address = self.address.strip()
        if "://" not in address:
            address = f"{'tls' if self._files else 'tcp'}://{address}"
        object.__setattr__(self, "address", address)
        if not 0 < self.wait < float("inf"):
            raise InputError(f"wait is {self.wait}; it must be a number of seconds above 0, and not infinite")
        if self._scheme not in ("tcp", "tls", "ws", "wss", "inproc", "ucx", "ucxx"):
            raise InputError(f"scheduler {address!r} begins with {self._scheme}://; {_LIKE}")
        if self._scheme != "inproc":
            host_and_port(address)
        if self._files and self._scheme not in ENCRYPTED:
            raise InputError(
                f"scheduler {address!r} is not encrypted, but certificates were given; give an address that begins "
                "with tls://, or leave the certificates out"
            )

    @classmethod
    def of(cls, given: "str | Scheduler") -> "Scheduler":
        """A scheduler, given as such or by its address."""
        return given if isinstance(given, Scheduler) else cls(given)

    @property
    def is_open(self) -> bool:
        """Whether anyone on the network may use it: it is not encrypted, and not on this machine."""
        if self._scheme in (*ENCRYPTED, "inproc"):
            return False
        return not _is_here(host_and_port(self.address)[0])

    def security(self) -> Any:
        """What Dask needs to connect to it.

        Returns
        -------
        distributed.Security

        Raises
        ------
        InputError
            When a certificate is missing or cannot be read.
        """
        needs_nets("a scheduler", "distributed")
        from distributed import Security

        given = {f"tls_{name}": str(path) for name, path in self._dask_names.items()}
        encrypted = self._scheme in ENCRYPTED
        security: Any = Security(require_encryption=True, **given) if encrypted else Security()
        if not encrypted:
            return security
        needed = {"tls_ca=": security.tls_ca_file, "tls_cert=": security.tls_client_cert}
        missing = [flag for flag, path in needed.items() if not path]
        if missing:
            raise InputError(
                f"scheduler {self.address!r} needs certificates, and {' and '.join(missing)} "
                f"{'are' if len(missing) > 1 else 'is'} missing; give the files that the scheduler was started with, "
                "or set distributed.comm.tls in Dask's configuration"
            )
        _check_files(security)
        return security

    @property
    def _scheme(self) -> str:
        return self.address.partition("://")[0].lower()

    @property
    def _files(self) -> dict[str, str | Path]:
        files = {"tls_ca": self.tls_ca, "tls_cert": self.tls_cert, "tls_key": self.tls_key}
        return {name: path for name, path in files.items() if path is not None}

    @property
    def _dask_names(self) -> dict[str, str | Path]:
        names = {"tls_ca": "ca_file", "tls_cert": "client_cert", "tls_key": "client_key"}
        return {names[name]: path for name, path in self._files.items()}


_LIKE = "give the address that it printed, such as tls://10.0.0.1:8786"


def warn_if_open(scheduler: Scheduler) -> None:
    """Warn of a scheduler that others can reach."""
    if scheduler.is_open:
        text = (
            f"scheduler {scheduler.address} is not encrypted and does not authenticate its users: anyone who can reach "
            "it on the network can read the traffic and run programs as you; start it with certificates (tls://), as "
            "docs/sweeps.md describes"
        )
        warnings.warn(text, SchedulerWarning, stacklevel=3)


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise InputError(f"scheduler {address!r} does not name a host and a port; {_LIKE}")
    return host, port


def _is_here(host: str) -> bool:
    """Whether a host is this machine: only its own addresses can be bound."""
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(_can_bind(family, place) for family, _, _, _, place in addresses)


def _can_bind(family: int, place: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as mine:
        try:
            mine.bind(place)
        except OSError:
            return False
    return True


def _check_files(security: Any) -> None:
    for path in (security.tls_ca_file, security.tls_client_cert, security.tls_client_key):
        if path is None or "\n" in path:  # in memory
            continue
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"{path}: this file of a certificate cannot be read ({error.strerror})") from None
    try:
        security.get_connection_args("client")
    except (ssl.SSLError, OSError, ValueError) as error:
        files = ", ".join(
            str(path) for path in (security.tls_ca_file, security.tls_client_cert, security.tls_client_key) if path
        )
        raise InputError(
            f"{files}: these certificates and this key do not match ({error}); all must be files in PEM format"
        ) from None
