"""Judges access tokens with PyJWT.

Reads `{"jwks", "settings", "tokens"}` as JSON from standard input and writes a list, one entry a token: `{"subject"}` where it
is accepted, `{"reason"}` where it is not.
"""

import json
import sys
import warnings

import jwt

# PyJWT warns of short keys and accepts them; what it accepts is the question here.
warnings.simplefilter("ignore")


def usable_keys(jwks):
    """Keys as `PyJWKClient` chooses them; one that PyJWT cannot read is passed over.

    A key without `alg` is handed over bare, since PyJWT otherwise takes RS256 for every RSA key.
    """
    for data in jwks["keys"]:
        if data.get("use") not in (None, "sig"):
            continue
        try:
            key = jwt.PyJWK(data)
        except jwt.PyJWTError:
            continue
        yield data.get("kid"), key if "alg" in data else key.key


def check_type(header, expected):
    """RFC 9068 §4; PyJWT has no setting for it."""
    typ = header.get("typ")
    short = typ.lower() if isinstance(typ, str) else ""
    if (short if "/" in short else f"application/{short}") != f"application/{expected}":
        raise jwt.InvalidTokenError("unexpected typ")


def decode(token, keys, settings):
    header = jwt.get_unverified_header(token)
    kid = header.get("kid")
    error = jwt.InvalidTokenError("no key of that kid")
    for name, key in keys:
        if kid is not None and kid != name:
            continue
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=settings["algorithms"],
                issuer=settings["issuer"],
                audience=settings["audience"],
                leeway=settings["leeway"],
                options={"require": settings["required"]},
            )
            check_type(header, settings["typ"])
            return claims
        except jwt.InvalidSignatureError as failure:
            error = failure
        # A key of another kind than the algorithm needs.
        except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError, TypeError) as failure:
            error = failure
    raise error


def judge(token, keys, settings):
    try:
        return {"subject": decode(token, keys, settings)["sub"]}
    except Exception as failure:  # What is not accepted is refused, however it is said.
        return {"reason": f"{type(failure).__name__}: {failure}"}


def main():
    order = json.load(sys.stdin)
    keys = list(usable_keys(order["jwks"]))
    json.dump([judge(token, keys, order["settings"]) for token in order["tokens"]], sys.stdout)


if __name__ == "__main__":
    main()
