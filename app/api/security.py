"""Who is asking, and what they may see: bearer tokens bound to tenants and to read, write or admin.

Without tokens in the configuration everybody may do everything, and the API listens on loopback only.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.access_tokens import ADMIN, READ, WRITE, Token, find_token
from app.api.problems import Problem

if TYPE_CHECKING:
    from app.api.services import Services

TENANT: Final = "tenant"
_bearer = HTTPBearer(auto_error=False, description="A secret of [tokens.<name>] in the configuration")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may use a route; without a token, anybody."""

    token: Token | None = None

    @property
    def tenants(self) -> frozenset[str] | None:
        """The tenants that the caller is bound to; None for all."""
        return self.token.tenants if self.token else None

    def may(self, right: str, tenant: str | None) -> bool:
        """Tell whether the caller has a right for a tenant, or (None) for what concerns all."""
        return self.token is None or self.token.allows(right, tenant)

    def require(self, right: str, tenant: str | None) -> None:
        """End the request unless the caller has the right."""
        if not self.may(right, tenant):
            whom = "all tenants" if tenant is None else f"tenant {tenant!r}"
            raise Problem(HTTPStatus.FORBIDDEN, f"the token may not {right} what concerns {whom}")

    def sees(self, scope: Mapping[str, str]) -> bool:
        """Tell whether what concerns a scope is the caller's to see."""
        return self.tenants is None or scope.get(TENANT) in self.tenants

    def confined(self, filters: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Return filters that select nothing but the caller's tenants; asking for another one is refused."""
        if self.tenants is None:
            return dict(filters)
        for tenant in sorted(filters.get(TENANT, ())):
            self.require(READ, tenant)
        return {**filters, TENANT: filters.get(TENANT, self.tenants)}


async def identified(request: Request, right: str) -> Caller:
    """Return who sent a request; end it unless they hold a right."""
    services: Services = request.app.state.services
    credentials = await _bearer(request)
    tokens = services.configuration.tokens
    if not tokens:
        return Caller()
    token = find_token(tokens, credentials.credentials) if credentials else None
    if token is None:
        detail = "show a token: Authorization: Bearer <secret>" if credentials is None else "unknown token"
        raise Problem(HTTPStatus.UNAUTHORIZED, detail, {"www-authenticate": "Bearer"})
    if right not in token.rights:
        raise Problem(HTTPStatus.FORBIDDEN, f"the token does not hold the right to {right}")
    return Caller(token)


def _holding(right: str) -> Callable[[Request, Credentials], Awaitable[Caller]]:
    # A coroutine: the others would each go to a thread and back. The credentials are there for the OpenAPI document.
    async def caller(request: Request, _credentials: Credentials) -> Caller:
        return await identified(request, right)

    return caller


Reader = Annotated[Caller, Depends(_holding(READ))]
Writer = Annotated[Caller, Depends(_holding(WRITE))]
Admin = Annotated[Caller, Depends(_holding(ADMIN))]
