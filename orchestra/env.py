"""The only reader of the environment: every variable, validated once at the start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Linux refuses unix socket paths of 108 bytes and more; some room is left for suffixes.
SOCKET_PATH_LIMIT = 100

# Programs of others need none of these.
_PRIVATE = (
    "SECRET_KEY",
    "ORCHESTRA_ENCRYPTION_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "ORCHESTRA_LLM_URL",
    "ORCHESTRA_LLM_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "ORCHESTRA_MAIL_URL",
)

T = TypeVar("T")


@dataclass(frozen=True)
class Environment:
    """The installation's variables. An empty string means not set."""

    production: bool
    process: str
    host: str
    port: int
    data: Path
    admin_password: str
    database_url: str
    redis_url: str
    valkey_socket: Path
    secret_key: str
    encryption_keys: tuple[str, ...]
    model: str
    llm_url: str
    llm_model: str
    llm_key: str
    openai_api_key: str
    anthropic_api_key: str
    gemini_api_key: str
    local_model: bool
    local_model_url: str
    local_model_key: str
    public_url: str
    allowed_hosts: tuple[str, ...]
    egress_allow: tuple[str, ...]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    session_seconds: int
    session_idle_seconds: int
    lease_seconds: float
    inline_limit: int
    caller_share: float
    most_calls: int
    max_answer_bytes: int
    try_seconds: float
    try_model_calls: int
    try_cost_usd: float
    tries_at_once: int
    max_wait_seconds: int
    mail_url: str
    mail_from: str
    most_streams: int
    streams_per_caller: int
    streams_per_run: int
    person_requests_per_minute: int
    person_requests_per_day: int
    web_processes: int
    workers: int
    schedulers: int
    beat_tasks: tuple[str, ...]
    concurrency: int
    fault_point: str

    @property
    def embedded_broker(self) -> bool:
        """True when the installation runs its own valkey-server."""
        return self.redis_url.startswith("unix://") and str(self.valkey_socket) in self.redis_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """Masked in logs and answers."""
        return (
            self.secret_key,
            *self.encryption_keys,
            self.llm_key,
            self.openai_api_key,
            self.anthropic_api_key,
            self.gemini_api_key,
            self.local_model_key,
        )

    @property
    def passwords(self) -> tuple[str, ...]:
        """Masked in logs only: people chose these, so an answer that masked them would confirm a
        guess.
        """
        urls = (
            self.database_url, self.redis_url, self.llm_url, self.local_model_url, self.mail_url,
        )  # fmt: skip
        passwords = [password for url in urls if (password := urlsplit(url).password)]
        return (self.admin_password, *passwords, *map(unquote, passwords))


def read_environment(source: Mapping[str, str] | None = None) -> Environment:
    """Raises ImproperlyConfigured with a line for each problem."""
    reader = _Reader(os.environ if source is None else source)
    production = reader.flag("ORCHESTRA_PRODUCTION", default=False)
    data = Path(reader.text("ORCHESTRA_DATA") or ".data").expanduser().resolve()
    socket = valkey_socket_path(data)
    if production:
        for name in (
            "SECRET_KEY",
            "ORCHESTRA_ENCRYPTION_KEYS",
            "ORCHESTRA_ALLOWED_HOSTS",
            "ORCHESTRA_PUBLIC_URL",
            "DATABASE_URL",
            "REDIS_URL",
        ):
            reader.require(name, "production installations must set it")
    host = reader.text("ORCHESTRA_HOST") or "127.0.0.1"
    port = reader.whole("ORCHESTRA_PORT", default=8000, least=1, most=65535)
    stored = {} if reader.problems else _stored_secrets(reader, data, production=production)
    result = Environment(
        production=production,
        process=reader.text("ORCHESTRA_PROCESS") or "command",
        host=host,
        port=port,
        data=data,
        admin_password=reader.text("ORCHESTRA_ADMIN_PASSWORD"),
        database_url=reader.url("DATABASE_URL", ("postgres", "postgresql", "sqlite"))
        or f"sqlite:///{data / 'orchestra.sqlite3'}",
        redis_url=reader.url("REDIS_URL", ("redis", "rediss", "unix")) or f"unix://{socket}",
        valkey_socket=socket,
        secret_key=stored.get("SECRET_KEY", ""),
        encryption_keys=tuple(_words(stored.get("ORCHESTRA_ENCRYPTION_KEYS", ""))),
        model=reader.text("ORCHESTRA_MODEL"),
        llm_url=reader.url("ORCHESTRA_LLM_URL", ("http", "https")),
        llm_model=reader.text("ORCHESTRA_LLM_MODEL"),
        llm_key=reader.text("ORCHESTRA_LLM_KEY"),
        openai_api_key=reader.text("OPENAI_API_KEY"),
        anthropic_api_key=reader.text("ANTHROPIC_API_KEY"),
        gemini_api_key=reader.text("GEMINI_API_KEY"),
        local_model=reader.flag("ORCHESTRA_LOCAL_MODEL", default=True),
        local_model_url=reader.text("ORCHESTRA_LOCAL_MODEL_URL"),
        local_model_key=reader.text("ORCHESTRA_LOCAL_MODEL_KEY"),
        public_url=(
            reader.url("ORCHESTRA_PUBLIC_URL", ("http", "https")) or f"http://{host}:{port}"
        ).rstrip("/"),
        allowed_hosts=tuple(_words(reader.text("ORCHESTRA_ALLOWED_HOSTS")))
        or tuple(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", host))),
        egress_allow=tuple(_words(reader.text("ORCHESTRA_EGRESS_ALLOW"))),
        trusted_proxies=reader.networks("ORCHESTRA_TRUSTED_PROXIES", default=""),
        session_seconds=3600
        * reader.whole("ORCHESTRA_SESSION_HOURS", default=12, least=1, most=24 * 30),
        session_idle_seconds=60
        * reader.whole("ORCHESTRA_SESSION_IDLE_MINUTES", default=60, least=5, most=60 * 24),
        lease_seconds=reader.number("ORCHESTRA_LEASE_SECONDS", default=30.0, least=1.0),
        inline_limit=reader.whole("ORCHESTRA_INLINE_LIMIT", default=64, least=0, most=100_000),
        caller_share=reader.share("ORCHESTRA_CALLER_SHARE", default=0.5),
        most_calls=reader.whole("ORCHESTRA_MOST_CALLS", default=2000, least=1, most=100_000),
        max_answer_bytes=reader.whole(
            "ORCHESTRA_MAX_ANSWER_BYTES", default=8_000_000, least=10_000, most=100_000_000
        ),
        try_seconds=reader.number("ORCHESTRA_TRY_SECONDS", default=600.0, least=1.0),
        try_model_calls=reader.whole(
            "ORCHESTRA_TRY_MODEL_CALLS", default=500, least=1, most=1_000_000
        ),
        try_cost_usd=reader.number("ORCHESTRA_TRY_COST_USD", default=5.0, least=0.0),
        tries_at_once=reader.whole("ORCHESTRA_TRIES_AT_ONCE", default=10, least=1, most=10_000),
        max_wait_seconds=86_400
        * reader.whole("ORCHESTRA_MAX_WAIT_DAYS", default=30, least=1, most=30),
        most_streams=reader.whole("ORCHESTRA_MOST_STREAMS", default=1000, least=1, most=100_000),
        streams_per_caller=reader.whole(
            "ORCHESTRA_STREAMS_PER_CALLER", default=20, least=1, most=100_000
        ),
        streams_per_run=reader.whole(
            "ORCHESTRA_STREAMS_PER_RUN", default=200, least=1, most=100_000
        ),
        person_requests_per_minute=reader.whole(
            "ORCHESTRA_PERSON_REQUESTS_PER_MINUTE", default=600, least=0, most=10_000
        ),
        person_requests_per_day=reader.whole(
            "ORCHESTRA_PERSON_REQUESTS_PER_DAY", default=100_000, least=0, most=2_000_000_000
        ),
        mail_url=reader.url("ORCHESTRA_MAIL_URL", ("smtp", "smtp+tls", "smtp+ssl")),
        mail_from=reader.text("ORCHESTRA_MAIL_FROM"),
        web_processes=reader.whole("ORCHESTRA_WEB_PROCESSES", default=1, least=1, most=64),
        workers=reader.whole("ORCHESTRA_WORKERS", default=1, least=0, most=64),
        schedulers=reader.whole("ORCHESTRA_SCHEDULERS", default=1, least=0, most=8),
        beat_tasks=tuple(_words(reader.text("ORCHESTRA_BEAT_TASKS"))),
        concurrency=reader.whole("ORCHESTRA_CONCURRENCY", default=64, least=1, most=10_000),
        fault_point=reader.fault_point("ORCHESTRA_FAULT_POINT", production=production),
    )
    if bool(result.llm_url) != bool(result.llm_model):
        reader.problems.append(
            "ORCHESTRA_LLM_URL and ORCHESTRA_LLM_MODEL go together: set both or none."
        )
    if bool(result.mail_url) != bool(result.mail_from):
        reader.problems.append(
            "ORCHESTRA_MAIL_URL and ORCHESTRA_MAIL_FROM go together: set both or none."
        )
    if stored and not result.encryption_keys:
        reader.problems.append("ORCHESTRA_ENCRYPTION_KEYS holds no key: write at least one.")
    if reader.problems:
        raise ImproperlyConfigured("\n".join(reader.problems))
    return result


def variables_for_child(
    own: Mapping[str, str] | None = None, *, with_secrets: bool = True
) -> dict[str, str]:
    """The environment of a child process: ours and its `own`.

    It stays readable for the child's lifetime (`/proc/<pid>/environ`), so it holds only secrets
    that the child needs.
    """
    # Only the process that creates the first administrator needs it.
    left_out = {"ORCHESTRA_ADMIN_PASSWORD", *(() if with_secrets else _PRIVATE)}
    kept = {name: text for name, text in os.environ.items() if name not in left_out}
    return {**kept, **(own or {})}


def valkey_socket_path(data: Path) -> Path:
    """Where the embedded valkey-server listens: in the data folder, or at a shorter path."""
    inside = data / "valkey.sock"
    if len(str(inside).encode()) <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"orchestra-{os.getuid()}-{name}" / "valkey.sock"


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self.source = source
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self.source.get(name, "").strip()

    def require(self, name: str, reason: str) -> None:
        if not self.text(name):
            self.problems.append(f"{name} is not set: {reason}.")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        if value:
            self.problems.append(f"{name} is {value!r}: write 1 or 0.")
        return default

    def whole(self, name: str, *, default: int, least: int, most: int) -> int:
        return self._checked(
            name,
            default,
            int,
            lambda n: least <= n <= most,
            f"a whole number from {least} to {most}",
        )

    def number(self, name: str, *, default: float, least: float) -> float:
        return self._checked(
            name, default, float, lambda n: least <= n < 1e9, f"a number of at least {least:g}"
        )

    def share(self, name: str, *, default: float) -> float:
        rule = "a share above 0 and up to 1, for instance 0.5"
        return self._checked(name, default, float, lambda n: 0 < n <= 1, rule)

    def _checked(
        self,
        name: str,
        default: T,
        convert: Callable[[str], T],
        fits: Callable[[T], bool],
        rule: str,
    ) -> T:
        value = self.text(name)
        if not value:
            return default
        with contextlib.suppress(ValueError):
            converted = convert(value)
            if fits(converted):
                return converted
        self.problems.append(f"{name} is {value!r}: write {rule}.")
        return default

    def networks(self, name: str, *, default: str) -> tuple[IPv4Network | IPv6Network, ...]:
        networks = []
        for word in _words(self.text(name) or default):
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                self.problems.append(f"{name}: {word!r} is neither an address nor a network.")
        return tuple(networks)

    def fault_point(self, name: str, *, production: bool) -> str:
        """See `designs.runtime.faults`."""
        value = self.text(name)
        if value and production:
            self.problems.append(f"{name} is for tests only: unset it.")
        elif value and not re.fullmatch(r"[a-z_]+\.(before|after)(:[1-9]\d{0,5})?", value):
            self.problems.append(f"{name} is {value!r}: write for instance step.after:3.")
        return value

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name)
        if value and urlsplit(value).scheme not in schemes:
            self.problems.append(
                f"{name} must start with one of {', '.join(s + '://' for s in schemes)}."
            )
            return ""
        return value


def _stored_secrets(reader: _Reader, data: Path, *, production: bool) -> dict[str, str]:
    """The two secrets, from the environment or from the data folder, where the first start creates
    them.
    """
    names = ("SECRET_KEY", "ORCHESTRA_ENCRYPTION_KEYS")
    own = {name: reader.text(name) for name in names}
    if production or all(own.values()):
        return own
    path = data / "secrets.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(dict(zip(names, map(secrets.token_urlsafe, (48, 32)), strict=True)), file)
        # Linked once it is complete, so that two first starts at once agree on one file.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    stored: dict[str, str] = json.loads(path.read_text())
    return {name: own[name] or stored[name] for name in names}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
