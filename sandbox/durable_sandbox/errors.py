"""Salesforce's error bodies as one exception and the answer it becomes."""

from starlette.responses import JSONResponse, Response


class ApiError(Exception):
    """An error that Salesforce reports as an array with a message and an error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The HTTP answer."""
        return JSONResponse([{"message": self.message, "errorCode": self.code}], self.status)


class OAuthError(Exception):
    """An error of the token endpoint, which answers 400 with an object."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description

    def response(self) -> JSONResponse:
        """The HTTP answer."""
        return JSONResponse({"error": self.code, "error_description": self.description}, 400)


def not_found() -> ApiError:
    """The answer for any address that names nothing."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def invalid_session() -> ApiError:
    """The answer for a missing, unknown or expired token."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
