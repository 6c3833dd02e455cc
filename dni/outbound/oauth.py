"""Access tokens (OAuth 2.0, RFC 6749): asked for once, kept until shortly before they expire or are refused."""

import asyncio
from urllib.parse import urlencode

import msgspec

from dni.clock import Clock
from dni.outbound import shown
from dni.outbound.model import Answer, Grant, Request
from dni.outbound.transport import Transport

# So long before its end a token is asked for anew: a request may be under way for a while.
_BEFORE_MS = 60_000
# Of a token whose server does not say how long it lives (RFC 6749, 5.1, lets it).
_LIVES_S = 900

_REFRESH = "refresh_token"  # as the form and the answer call it (RFC 6749, 6)

_Key = tuple[str, tuple[tuple[str, str], ...]]


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = _LIVES_S
    refresh_token: str | None = None


class _Refused(msgspec.Struct):
    """RFC 6749, 5.2."""

    error: str
    error_description: str = ""


class Tokens:
    """One process's. A grant with other secrets is another grant."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock
        self._kept: dict[_Key, tuple[str, int]] = {}
        self._asked: dict[_Key, asyncio.Task[str | Answer]] = {}
        self._renewals: dict[_Key, str] = {}

    async def token(self, grant: Grant) -> str | Answer:
        """An answer says why there is none: `why` is for people. Those who ask at once wait for one request."""
        key = _key(grant)
        if (token := self._standing(key)) is not None:
            return token
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(key, grant))
            self._asked[key].add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(self._asked[key])

    def drop(self, grant: Grant, token: str) -> None:
        """It was refused."""
        if self._standing(_key(grant)) == token:
            del self._kept[_key(grant)]

    def renewal(self, grant: Grant) -> str | None:
        """What the secret that this grant renews is to be from now on, until `renewed` says that it is so."""
        return self._renewals.get(_key(grant)) if grant.renews else None

    def renewed(self, grant: Grant, secret: str) -> None:
        """The grant has the new secret by now; the token that it gave before is still good."""
        key = _key(grant)
        self._renewals.pop(key, None)
        if key in self._kept:
            form = {**grant.form, _REFRESH: secret}
            self._kept[_key(Grant(grant.url, form))] = self._kept.pop(key)

    def _standing(self, key: _Key) -> str | None:
        token, until_ms = self._kept.get(key, ("", 0))
        return token if self._clock.now_ms() < until_ms else None

    async def _ask(self, key: _Key, grant: Grant) -> str | Answer:
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        answer = await self._transport.send(
            Request(url=grant.url, headers=headers, body=urlencode(grant.form).encode())
        )
        granted = _granted(answer)
        if granted is None:
            secrets = [value for value in grant.form.values() if len(value) > 7]
            body = (shown.answer(answer, secrets) or "").encode()
            return Answer(status=answer.status, body=body, why=_why(answer))
        until_ms = self._clock.now_ms() + round(granted.expires_in * 1000) - _BEFORE_MS
        self._kept[key] = granted.access_token, until_ms
        if granted.refresh_token and granted.refresh_token != grant.form.get(_REFRESH):
            self._renewals[key] = granted.refresh_token
        return granted.access_token


def _key(grant: Grant) -> _Key:
    return grant.url, tuple(sorted(grant.form.items()))


def _granted(answer: Answer) -> _Granted | None:
    try:
        granted = msgspec.json.decode(answer.body, type=_Granted, strict=False)
    except msgspec.DecodeError:
        return None
    return granted if answer.status == 200 and granted.access_token else None


def _why(answer: Answer) -> str:
    try:
        said = msgspec.json.decode(answer.body, type=_Refused)
    except msgspec.DecodeError:
        return f"no access token: {answer.why or f'it answered {answer.status}'}"
    return f"no access token: {said.error} {said.error_description[:300]}".strip()
