"""The backend of an application on the Wristband platform, as the documentation of wristband-fastapi-auth builds it.

Settings stand in the environment: APPLICATION_VANITY_DOMAIN, CLIENT_ID, CLIENT_SECRET, SESSION_SECRET; PORT (0 takes a free
one), SESSION_SECONDS (how long the session cookie lives). Prints `ready http://localhost:PORT` when it answers.
"""

import os
import socket
import sys

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from wristband.fastapi_auth import (
    AuthConfig,
    AuthResult,
    AuthStrategy,
    LogoutConfig,
    RedirectRequiredCallbackResult,
    Session,
    SessionAuthConfig,
    SessionMiddleware,
    SessionResponse,
    TokenResponse,
    WristbandAuth,
    get_session,
)

HOME = "/"


def names_under_localhost_are_loopback() -> None:
    """RFC 6761 section 6.3: not every machine's resolver knows it, and this process calls the development provider by such names."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        under_localhost = isinstance(name, str) and name.rstrip(".").endswith(".localhost")
        return resolve("127.0.0.1" if under_localhost else host, *arguments, **options)

    socket.getaddrinfo = getaddrinfo


def auth_routes(auth: WristbandAuth, require_session) -> APIRouter:
    router = APIRouter(prefix="/api/auth")

    @router.get("/login")
    async def login(request: Request) -> Response:
        return await auth.login(request)

    @router.get("/callback")
    async def callback(request: Request, session: Session = Depends(get_session)) -> Response:
        result = await auth.callback(request)
        if isinstance(result, RedirectRequiredCallbackResult):
            return await auth.create_callback_response(request, result.redirect_url)
        session.from_callback(result.callback_data)
        return await auth.create_callback_response(request, result.callback_data.return_url or HOME)

    @router.get("/logout")
    async def logout(request: Request, session: Session = Depends(get_session)) -> Response:
        config = LogoutConfig(
            refresh_token=session.refresh_token,
            tenant_custom_domain=session.tenant_custom_domain,
            tenant_name=session.tenant_name,
        )
        session.clear()
        return await auth.logout(request, config)

    @router.get("/session")
    async def session_endpoint(response: Response, session: Session = Depends(require_session)) -> SessionResponse:
        forbid_storing(response)
        return session.get_session_response()

    @router.get("/token")
    async def token_endpoint(response: Response, session: Session = Depends(require_session)) -> TokenResponse:
        forbid_storing(response)
        return session.get_token_response()

    return router


def api_routes(require_auth, require_session) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.api_route("/hello-world", methods=["GET", "POST"])
    async def hello_world(auth: AuthResult = Depends(require_auth)):
        if auth.strategy == AuthStrategy.SESSION:
            user_id, tenant_id = auth.session.user_id, auth.session.tenant_id
        else:
            claims = auth.jwt_result.payload
            user_id, tenant_id = claims.sub, claims.get("tnt_id")
        return {"message": "Hello, world", "userId": user_id, "tenantId": tenant_id}

    @router.get("/me")
    async def me(session: Session = Depends(require_session)):
        return {"userId": session.user_id, "tenantId": session.tenant_id, "tenantName": session.tenant_name}

    return router


def forbid_storing(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"


def create_app() -> FastAPI:
    auth = WristbandAuth(
        AuthConfig(
            client_id=os.environ["CLIENT_ID"],
            client_secret=os.environ["CLIENT_SECRET"],
            wristband_application_vanity_domain=os.environ["APPLICATION_VANITY_DOMAIN"],
        )
    )
    require_session = auth.create_session_auth_dependency(enable_csrf_protection=True)
    require_auth = auth.create_auth_dependency(
        strategies=[AuthStrategy.SESSION, AuthStrategy.JWT],
        session_config=SessionAuthConfig(enable_csrf_protection=True),
    )
    app = FastAPI()
    app.add_middleware(
        SessionMiddleware,
        secret_key=os.environ["SESSION_SECRET"],
        max_age=int(os.environ.get("SESSION_SECONDS", "3600")),
        enable_csrf_protection=True,
    )
    app.include_router(auth_routes(auth, require_session))
    app.include_router(api_routes(require_auth, require_session))
    return app


def main() -> None:
    names_under_localhost_are_loopback()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ.get("PORT", "0"))))
    listener.listen(64)
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="warning", server_header=False, date_header=False))
    print(f"ready http://localhost:{listener.getsockname()[1]}", flush=True)
    server.run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
