"""Ask a server something, and say in one line why it does not answer as it should."""

from typing import Any

__all__ = ["Asking", "SourceError", "refusal"]

MOST_BYTES = 2**25  # of an answer in JSON; listings are far smaller


class SourceError(Exception):
    """A source does not give what it should; the message is one line that says why."""


def refusal(status: int) -> str | None:
    """Why a server refuses, by the status of its answer; None where it does not refuse.

    Examples
    --------
    >>> refusal(404), refusal(200)
    ('the file is no longer there (404)', None)
    """
    if status < 400:
        return None
    if status in (404, 410):
        return f"the file is no longer there ({status})"
    if status in (401, 403, 451):
        return f"the server refuses to give the file ({status}); it may want you to log in, or to accept its terms"
    if status == 429 or status >= 500:
        return f"the server is busy or broken ({status})"
    return f"the server answered {status}"


class Asking:
    """Asks the API of an archive.

    Parameters
    ----------
    timeout : float
        Seconds to wait for an answer.
    """

    def __init__(self, timeout: float = 30.0) -> None:
        self.timeout = timeout

    def json(self, address: str, *, absent: str = "", **parameters: str | int) -> Any:
        """The answer as JSON.

        Parameters
        ----------
        address : str
        absent : str
            What to say where there is no such thing; otherwise that the file is no longer there.
        **parameters
            After ``?`` in the address.

        Raises
        ------
        SourceError
            If there is no answer, it is an error, or no JSON.
        """
        import requests  # which takes its time, and most commands ask nothing

        try:
            answer = requests.get(
                address, params=parameters, timeout=self.timeout, headers={"Accept": "application/json"}, stream=True
            )
            with answer:
                said = refusal(answer.status_code)
                if said is not None:
                    raise SourceError(absent if absent and answer.status_code in (404, 410) else said)
                content = answer.raw.read(MOST_BYTES + 1, decode_content=True)
        except requests.Timeout:
            raise SourceError(f"the server sent nothing for {self.timeout:g} s") from None
        except requests.ConnectionError:
            raise SourceError("no connection to the server") from None
        except requests.RequestException as error:
            raise SourceError(f"the server cannot be asked ({' '.join(str(error).split())[:200]})") from None
        except Exception as error:  # of urllib3, which reads the body
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"the server's answer breaks off ({type(error).__name__})") from None
        return _decoded(content)


def _decoded(content: bytes) -> Any:
    import json

    if len(content) > MOST_BYTES:
        raise SourceError("the server's answer is too long to be a listing")
    try:
        return json.loads(content)
    except ValueError:
        what = "a web page" if content.lstrip()[:1] == b"<" else "something else"
        raise SourceError(
            f"the server sent {what} instead of a listing; it may be down, or want you to log in"
        ) from None
