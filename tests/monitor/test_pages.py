"""The page and its files."""

import pytest

from mqtt_mcp.monitor.pages import STATIC, load_pages
from testkit.monitor import ask, running


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>ü</title>")
    (tmp_path / "js" / "main.js").write_text("export {}")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path.parent / "secret.txt").write_text("hunter2")
    return tmp_path


async def test_the_page_and_its_files_have_their_types(folder):
    async with running(static=folder) as server:
        page = await ask(server.port, "/")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.body.decode() == "<!doctype html><title>ü</title>"
        script = await ask(server.port, "/static/js/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert (await ask(server.port, "/static/index.html")).status == 200


@pytest.mark.parametrize("name", [".hidden", "js", "js/", "../secret.txt", "%2e%2e/secret.txt", "js/../index.html", ""])
async def test_what_is_not_in_the_folder_is_not_there(folder, name):
    async with running(static=folder) as server:
        answer = await ask(server.port, f"/static/{name}")
        assert (answer.status, answer.is_problem) == (404, True)


async def test_a_browser_asks_again_and_gets_a_file_only_when_it_changed(folder):
    async with running(static=folder) as server:
        first = await ask(server.port, "/")
        assert first.headers["cache-control"] == "no-cache"
        etag = first.headers["etag"]
        for given in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = await ask(server.port, "/", If_None_Match=given)
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        assert (await ask(server.port, "/", If_None_Match='"other"')).status == 200
    (folder / "index.html").write_text("new")
    async with running(static=folder) as server:
        assert (await ask(server.port, "/", If_None_Match=etag)).body == b"new"


def test_every_file_of_the_page_has_a_known_type():
    unknown = {name for name, page in load_pages(STATIC).items() if page.media_type == "application/octet-stream"}
    assert {name for name in unknown if "LICENSE" not in name} == set()
