"""How calls sign in at a connection's server: headers, and OAuth client credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from designs.secrets import masking
from executor.models import ToolAuth
from executor.tool_connections.transport import Watch, call_client

MAX_TOKEN_BYTES = 65_536
TOKEN_SECONDS = 15.0
# A token is fetched anew before it ends, so that it does not end on its way.
EARLY_SECONDS = 30.0
# What is assumed if the server does not say how long a token holds.
UNTOLD_SECONDS = 300.0


class SignInFailed(Exception):
    """No token could be had; the message is a sentence, and nothing was called."""


@dataclass(slots=True)
class SignIn:
    """How to sign in, with the secrets revealed: never logged, never pickled."""

    auth: str
    name: str
    secret: str
    token_url: str
    headers: dict[str, str]
    _token: str = ""
    _token_ends: float = -math.inf
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __repr__(self) -> str:
        return f"SignIn({self.auth})"

    async def headers_for_call(self, kept: httpx2.AsyncBaseTransport) -> dict[str, str]:
        """Raises SignInFailed."""
        return {**self.headers, **await self._own(kept)}

    async def _own(self, kept: httpx2.AsyncBaseTransport) -> dict[str, str]:
        if self.auth == ToolAuth.BEARER:
            return {"Authorization": f"Bearer {self.secret}"}
        if self.auth == ToolAuth.HEADER:
            return {self.name: self.secret}
        if self.auth == ToolAuth.BASIC:
            return {"Authorization": basic(self.name, self.secret)}
        if self.auth == ToolAuth.OAUTH:
            return {"Authorization": f"Bearer {await self._fresh_token(kept)}"}
        return {}

    @property
    def is_renewable(self) -> bool:
        """A server that refuses a token may take a new one."""
        return self.auth == ToolAuth.OAUTH

    def forget_token(self) -> None:
        self._token_ends = -math.inf

    async def _fresh_token(self, kept: httpx2.AsyncBaseTransport) -> str:
        async with self._fetching:
            if time.monotonic() >= self._token_ends:
                try:
                    async with asyncio.timeout(TOKEN_SECONDS):
                        answer = await self._fetch(kept)
                except TimeoutError as error:
                    raise SignInFailed("The token's server did not answer in time.") from error
                self._token, seconds = answer
                self._token_ends = time.monotonic() + max(0.0, seconds - EARLY_SECONDS)
        return self._token

    async def _fetch(self, kept: httpx2.AsyncBaseTransport) -> tuple[str, float]:
        watch = Watch(MAX_TOKEN_BYTES, is_mcp=False)
        sent = {"Authorization": basic(self.name, self.secret), "Accept": "application/json"}
        try:
            async with call_client(kept, watch, sent, seconds=TOKEN_SECONDS) as client:
                reply = await client.post(self.token_url, data={"grant_type": "client_credentials"})
                body = reply.content
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            reason = watch.failure or "the connection failed"
            raise SignInFailed(f"No token could be fetched: {reason}.") from error
        if reply.status_code != 200:
            raise SignInFailed(
                f"No token could be fetched: the token's server answered {reply.status_code}."
            )
        return _token_in(body)


def basic(name: str, secret: str) -> str:
    credentials = base64.b64encode(f"{name}:{secret}".encode()).decode()
    masking.learn_form(credentials, secret)
    return f"Basic {credentials}"


def _token_in(body: bytes) -> tuple[str, float]:
    """The token, and how many seconds it holds."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise SignInFailed("The token's server answered without a token that can be sent.")
    masking.learn(token)
    seconds = answer.get("expires_in")
    is_told = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return token, float(seconds) if is_told and 0 < seconds < 1e7 else UNTOLD_SECONDS
