"""MongoDB URIs of every usual form, and the errors of those that are none."""

from __future__ import annotations

import pytest

from services.errors import UsageProblem
from services.settings.uri import parse_uri, without_credentials


@pytest.mark.parametrize(
    ("text", "hosts", "database", "username"),
    [
        ("mongodb://localhost", ("localhost:27017",), "", None),
        ("mongodb://LOCALHOST:27018/quilltap", ("localhost:27018",), "quilltap", None),
        ("mongodb://b:2,a/quilltap?replicaSet=rs0", ("a:27017", "b:2"), "quilltap", None),
        ("mongodb+srv://me:pw@Cluster0.example.net/app?w=majority", ("cluster0.example.net",), "app", "me"),
        ("mongodb://us%40er:p%3A%2F%40w@h/db", ("h:27017",), "db", "us@er"),
        ("mongodb://me:pw@h/admin", ("h:27017",), "", "me"),
        ("mongodb://h/?authSource=admin&directConnection=true", ("h:27017",), "", None),
        ("mongodb://[::1]:27019/db", ("[::1]:27019",), "db", None),
        ("mongodb://%2Frun%2Fmongodb.sock/db", ("/run/mongodb.sock",), "db", None),
        ("mongodb://me:@h/db", ("h:27017",), "db", "me"),
    ],
)
def test_forms(text: str, hosts: tuple[str, ...], database: str, username: str | None) -> None:
    uri = parse_uri(text, "here")
    assert uri.hosts == hosts
    assert (uri.database, uri.username) == (database, username)


def test_path_beside_an_option_and_direct_connection() -> None:
    uri = parse_uri("mongodb://h/x%2Dy?directConnection=True&tls=true&tlsCAFile=/a@b.pem", "here")
    assert uri.path == "x-y"
    assert uri.direct
    assert uri.options["tlscafile"] == "/a@b.pem"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("localhost:27017", "must begin with mongodb://"),
        ("mysql://h", "must begin with mongodb://"),
        ("mongodb://me:hunter2@x@h/db", "%40"),
        ("mongodb://me:hunter2/x@h/db", "%2F"),
        ("mongodb://me:hunter2?x@h/db", "%3F"),
        ("mongodb://me:hun:ter2@h/db", "%3A"),
        ("mongodb://me:hunter2%zz@h/db", "%25"),
        ("mongodb://:hunter2@h/db", "no user name"),
        ("mongodb://h:99999/db", "port"),
        ("mongodb://h:no/db", "port"),
        ("mongodb:///db", "no host"),
        ("mongodb+srv://h:27017/db", "without a port"),
        ("mongodb+srv://a,b/db", "one host name"),
        ("mongodb://h/a/b", "one database name"),
    ],
)
def test_malformed_uris_name_the_rule_and_hide_the_password(text: str, rule: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_uri(text, "environment MONGODB_URI")
    assert rule in caught.value.what
    assert "environment MONGODB_URI" in caught.value.what
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_without_credentials() -> None:
    assert without_credentials("mongodb://me:pw@h:1/db?x=1") == "mongodb://h:1/db"
