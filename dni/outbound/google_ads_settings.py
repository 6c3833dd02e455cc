"""What is set of a Google Ads endpoint, and its secrets. Pure."""

from typing import Annotated, Literal

import msgspec
from msgspec.structs import force_setattr

from dni.errors import InvalidField
from dni.outbound.conversion import ADDRESS, Valued

_ACCOUNT = msgspec.Meta(pattern=r"^[0-9]{3}-?[0-9]{3}-?[0-9]{4}\Z")
_DIGITS = msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")


class Settings(Valued, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beside those of every platform:

    customer_id             of the account whose conversion actions these are, with or without hyphens
    login_customer_id       of the manager account by which it is reached; null: none is needed
    clicks_by               `data_manager`, or `google_ads_api` for who sent click conversions by it before June 2026
    conversion_action       id of an action of the type "import from clicks"; null: no click conversions
    call_conversion_action  id of an action of the type "import from calls", for calls to static numbers of the source
                            google, which an ad shows itself; null: none are sent
    callers_consent         what such callers agreed to, who never saw a page; `unspecified`: nothing is said of it
    validate_only           Google checks what is sent and records nothing
    api_version, base_url   of the Google Ads API
    data_manager_url, token_url  where Google's other services are
    """

    customer_id: Annotated[
        str,
        _ACCOUNT,
        msgspec.Meta(title="Customer id", description="Of the Google Ads account, such as 123-456-7890"),
    ]
    login_customer_id: (
        Annotated[
            str,
            _ACCOUNT,
            msgspec.Meta(
                title="Manager account",
                description="Customer id of the manager account, where the account is reached by one",
            ),
        ]
        | None
    ) = None
    clicks_by: Annotated[
        Literal["data_manager", "google_ads_api"],
        msgspec.Meta(
            title="Click conversions by",
            description="The Google Ads API takes them only of who sent some by it before June 2026",
        ),
    ] = "data_manager"
    conversion_action: (
        Annotated[
            str,
            _DIGITS,
            msgspec.Meta(title="Conversion action for clicks", description="Its id: ctId in the action's address"),
        ]
        | None
    ) = None
    call_conversion_action: (
        Annotated[
            str,
            _DIGITS,
            msgspec.Meta(
                title="Conversion action for calls",
                description="Its id: for static numbers of the source google, which an ad shows itself",
            ),
        ]
        | None
    ) = None
    callers_consent: Annotated[
        Literal["granted", "unspecified"],
        msgspec.Meta(title="Callers' consent", description="What callers of such numbers agreed to"),
    ] = "unspecified"
    client_id: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{1,200}\Z", title="OAuth client id", description="Ends in apps.googleusercontent.com"
        ),
    ]
    validate_only: Annotated[
        bool, msgspec.Meta(title="Only try out", description="Google checks what is sent and records nothing")
    ] = False
    api_version: Annotated[
        str, msgspec.Meta(pattern=r"^v[0-9]{1,3}\Z", title="API version", description="Google ends each after a year")
    ] = "v26"
    base_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address of the Google Ads API")] = (
        "https://googleads.googleapis.com"
    )
    data_manager_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address of Data Manager")] = (
        "https://datamanager.googleapis.com"
    )
    token_url: Annotated[str, ADDRESS, msgspec.Meta(title="Address for tokens")] = "https://oauth2.googleapis.com/token"  # noqa: S105

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conversion_action is None and self.call_conversion_action is None:
            raise InvalidField("/settings/conversion_action", "a conversion action is needed, for clicks or for calls")
        force_setattr(self, "customer_id", self.customer_id.replace("-", ""))
        force_setattr(self, "login_customer_id", (self.login_customer_id or "").replace("-", "") or None)


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    client_secret    of the OAuth client
    refresh_token    of a user of the account, for the scopes https://www.googleapis.com/auth/datamanager and
                     https://www.googleapis.com/auth/adwords
    developer_token  null: none; the API ignores it since September 2026
    """

    client_secret: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,200}\Z", title="OAuth client secret")]
    refresh_token: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{1,2000}\Z", title="Refresh token", description="For the scopes datamanager and adwords"
        ),
    ]
    developer_token: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[!-~]{1,100}\Z", title="Developer token", description="Not needed since September 2026"
            ),
        ]
        | None
    ) = None
