"""The studio's server: what it answers, and all that it refuses."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hierbrush
from hierbrush.fonts import write_font
from hierbrush.resources import page_file
from hierbrush.studio import desk as desk_module
from hierbrush.studio import server as server_module
from hierbrush.studio.desk import Desk
from hierbrush.studio.order import Order
from hierbrush.studio.server import MOST_FILE, MOST_JSON, StudioServer
from hierbrush.styles.style import Style
from hierbrush.writing.exports.html import player_data

PATIENCE = 120
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    home = tmp_path / "runs" / "first"
    home.mkdir(parents=True)
    records = [{"steps": 10 * n, "iou": n / 100, "stage_name": "plain" if n < 50 else "all"} for n in range(100)]
    (home / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)) + '\n{"steps": 1000, "io')
    (home / "config.json").write_text('{"name": "first", "seed": 1}')
    return tmp_path / "runs"


@pytest.fixture
def server(runs: Path) -> Iterator[StudioServer]:
    studio = StudioServer(Desk(runs))
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield studio
    studio.shutdown()
    thread.join()
    studio.server_close()


def ask(
    server: StudioServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body, given)
    response = connection.getresponse()
    content = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return response.status, json.loads(content) if "json" in found.get("content-type", "") else content, found


def post(server: StudioServer, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
    return ask(server, "POST", path, body, Content_Type="application/json")


def said(server: StudioServer, raw: bytes) -> bytes:
    """Send bytes as they are and return what comes back before the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as connection:
        parts = []
        with contextlib.suppress(OSError):  # it may hang up while we are still talking
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while part := connection.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)


def test_it_is_bound_to_loopback(server: StudioServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_the_page_and_its_parts_are_served(server: StudioServer) -> None:
    for path, name in (
        ("/", "index.html"),
        ("/studio.js", "studio.js"),
        ("/hierbrush-player.js", "hierbrush-player.js"),
    ):
        status, content, headers = ask(server, "GET", path)
        assert (status, content) == (200, page_file(name).read_bytes())
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    status, content, headers = ask(server, "HEAD", "/")
    assert (status, content, headers["content-length"]) == (200, b"", str(page_file("index.html").stat().st_size))


@pytest.mark.parametrize(
    "path", ["/nothing", "/../pyproject.toml", "/page/../server.py", "/%2e%2e/server.py", "//etc/passwd"]
)
def test_nothing_else_is_served(server: StudioServer, path: str) -> None:
    assert ask(server, "GET", path)[0] == 404


def test_the_page_asks_for_nothing_elsewhere() -> None:
    own = ("http://www.w3.org/2000/svg",)
    files = sorted(page_file("index.html").parent.iterdir())
    assert {path.name for path in files} == {name for name, _ in server_module._FILES.values()}
    for path in files:
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", path.read_text("utf-8"))
        assert [address for address in found if address not in own] == []


def test_a_text_is_written(server: StudioServer) -> None:
    status, answer, _ = post(server, "/api/write", {"text": "永和", "direction": "vertical", "weight": 1.2})
    assert status == 200
    (sheet,) = answer["sheets"]
    page = hierbrush.write_text("永和", layout="vertical", weight=1.2)
    assert sheet == json.loads(json.dumps(player_data(page)))


def test_a_character_alone_fills_its_box(server: StudioServer) -> None:
    (sheet,) = post(server, "/api/write", {"text": "永"})[1]["sheets"]
    assert (sheet["width"], len(sheet["characters"]), sheet["characters"][0]["x"]) == (0.12, 1, 0.0)


@pytest.mark.parametrize(
    "order",
    [
        {"text": "永"},
        {"text": "⿰木月", "weight": 1.3},
        {"text": "永和", "direction": "vertical", "per_line": 1, "brush": "round"},
        {"text": "永a和", "paper": "A4", "columns": 2, "rows": 3, "grid": "米", "missing": "blank"},
    ],
    ids=str,
)
def test_the_python_call_makes_the_same(order: dict[str, Any]) -> None:
    wanted = Order.from_json(order)
    lines = [line for line in wanted.python().splitlines() if ".save(" not in line]
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    made = names.get("pages") or [names["writing"]]
    assert made == wanted.sheets()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "gif", "json", "npz", "gcode", "html"])
def test_files_are_kept(server: StudioServer, kind: str, tmp_path: Path) -> None:
    status, content, headers = ask(
        server, "POST", "/api/export", {"text": "永", "format": kind}, Content_Type="application/json"
    )
    assert status == 200, content
    assert headers["content-disposition"] == f'attachment; filename="hierbrush.{kind}"'
    saved = hierbrush.write_character("永")
    if kind in ("png", "svg", "gif", "gcode"):
        assert content == saved.save(tmp_path / f"yong.{kind}").read_bytes()
    elif kind == "json":
        assert content["format"] == "hierbrush-writing"
    else:
        assert content[:4] in (b"%PDF", b"PK\3\4", b"<!do")


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/api/write", {}, "text: is missing"),
        ("/api/write", {"text": "  "}, "text: is empty"),
        ("/api/write", {"text": "hello"}, "'hello' is no Chinese character"),
        ("/api/write", {"text": "永" * 601}, "601 characters, expected at most 600"),
        ("/api/write", {"text": 7}, "text: 7"),
        ("/api/write", {"text": "永", "wieght": 2}, "did you mean 'weight'"),
        ("/api/write", {"text": "永", "weight": 9}, "weight: 9"),
        ("/api/write", {"text": "永" * 13, "policy": "planned"}, "13 characters, expected at most 12"),
        ("/api/write", {"text": "永", "ink": "dyr"}, "did you mean 'dry'"),
        ("/api/write", {"text": "永", "dip": "never"}, "dip: 'never'"),
        ("/api/write", {"text": "永", "brush": "broom"}, "brush"),
        ("/api/write", {"text": "永", "policy": "/etc/passwd"}, "policy: '/etc/passwd' is not one of"),
        ("/api/write", {"text": "永", "policy": "run:../.."}, "run: '../..' is no training here"),
        ("/api/write", {"text": "永", "composer": "/tmp/x.safetensors"}, "composer"),
        ("/api/write", {"text": "永和", "rows": 3}, "choose a paper"),
        ("/api/write", {"text": "永和", "paper": "A7"}, "paper: 'A7'"),
        ("/api/export", {"text": "永"}, "format: None"),
        ("/api/export", {"text": "永", "format": "exe"}, "format: 'exe'"),
        ("/api/export", {"text": "永", "format": "png", "sheet": 4}, "sheet: 4, expected"),
        ("/api/export", {"text": "永", "format": "png", "size": 9999}, "size: 9999"),
        ("/api/run", {"run": "second"}, "run: 'second' is no training here"),
        ("/api/episodes", {"curriculum": "nothing"}, "curriculum: 'nothing' is not one of"),
        ("/api/episodes", {"curriculum": "dots", "stage": 99}, "stage: 99"),
        ("/api/episodes", {"curriculum": "dots", "policies": "learned"}, "policies"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_on_one_line(server: StudioServer, path: str, body: Any, told: str) -> None:
    status, answer, _ = post(server, path, body)
    assert status == 422
    assert told in answer["error"]
    assert "\n" not in answer["error"]


def test_files_that_are_no_goals_are_told(server: StudioServer) -> None:
    for content in (b"no font at all", b"", os.urandom(5000).replace(b"\0\1\0\0", b"")):
        status, answer, _ = ask(
            server, "POST", "/api/goal", content, Content_Type="application/octet-stream", X_Name="%E5%AD%97.ttf"
        )
        assert status == 422
        assert "file: '字.ttf' is neither a font" in answer["error"]


def sent(server: StudioServer, content: bytes, name: str) -> dict[str, Any]:
    headers = {"Content_Type": "application/octet-stream", "X_Name": name}
    status, answer, _ = ask(server, "POST", "/api/goal", content, **headers)
    assert status == 200, answer
    return answer


def test_a_picture_is_written_after(server: StudioServer, tmp_path: Path) -> None:
    picture = hierbrush.write_character("年").save(tmp_path / "nian.png").read_bytes()
    goal = sent(server, picture, "nian.png")["goal"]
    status, answer, _ = post(server, "/api/write", {"text": "年", "goal": goal})
    assert status == 200, answer
    assert "goal='nian.png'" in answer["python"]
    (character,) = answer["sheets"][0]["characters"]
    assert character["goal"] == "picture"
    assert character["iou"] > 0.9


def test_a_damaged_picture_is_told_by_its_own_name(server: StudioServer) -> None:
    goal = sent(server, b"\x89PNG and no more", "nian.png")["goal"]
    status, answer, _ = post(server, "/api/write", {"text": "年", "goal": goal})
    assert status == 422
    assert "'nian.png'" in answer["error"]
    assert "hierbrush-studio-" not in answer["error"]


def test_goals_are_named_by_what_was_sent_alone(server: StudioServer) -> None:
    for goal in ("/etc/passwd", "x.ttf", "../font.ttf", "font"):
        status, answer, _ = post(server, "/api/write", {"text": "年", "goal": goal})
        assert (status, "is not one of" in answer["error"]) == (422, True)


def test_the_oldest_files_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "_MOST_GOALS", 2)
    desk = Desk()
    goals = [desk.goal(b"\x89PNG" + bytes([n]), "x.png")["goal"] for n in range(3)]
    assert list(desk._goals) == goals[1:]
    folder = desk._goals[goals[1]].parent
    assert sum(1 for _ in folder.iterdir()) == 2
    desk.close()
    assert not folder.exists()


def test_a_style_is_written_in(server: StudioServer, tmp_path: Path) -> None:
    write_font(tmp_path / "mine.ttf", "永和九年春日")
    style = Style.learn(tmp_path / "mine.ttf", "永和九年春日").save(tmp_path / "mine.style")
    answer = sent(server, style.read_bytes(), "mine.style")
    assert answer["kind"] == "style"
    status, answer, _ = post(server, "/api/write", {"text": "永", "style": answer["goal"]})
    assert status == 200, answer
    assert "mine.style" in answer["python"]


def test_ink_runs_dry(server: StudioServer, tmp_path: Path) -> None:
    asked = {"text": "永", "ink": "dry", "dip": "character"}
    status, answer, _ = post(server, "/api/write", asked)
    assert status == 200, answer
    assert answer["python"].endswith('dip=\'character\')\nwriting.save("writing.png", ink="dry")\n')
    (character,) = answer["sheets"][0]["characters"]
    assert character["tone"].startswith("data:image/png;base64,")
    assert character["strokes"][1]["start"] is not None
    content = ask(server, "POST", "/api/export", {**asked, "format": "png"}, **JSON_HEADERS)[1]
    saved = hierbrush.write_character("永", dip="character").save(tmp_path / "dry.png", ink="dry")
    assert content == saved.read_bytes()


def test_a_trainings_curves_are_shown(server: StudioServer) -> None:
    assert [run["name"] for run in ask(server, "GET", "/api/about")[1]["runs"]] == ["first"]
    status, answer, _ = post(server, "/api/run", {"run": "first"})
    assert status == 200
    assert (answer["steps"][-1], answer["measures"]["iou"][-1]) == (990, 0.99)
    assert answer["stages"] == [{"name": "plain", "from": 0}, {"name": "all", "from": 500}]
    assert answer["config"]["seed"] == 1


def test_a_long_log_is_thinned(runs: Path) -> None:
    log = runs / "first" / "metrics.jsonl"
    log.write_text("".join(f'{{"steps": {n}, "iou": 0.5}}\n' for n in range(5000)))
    steps = Desk(runs).run({"run": "first"})["steps"]
    assert len(steps) <= 600
    assert steps[-1] == 4999


def test_episodes_are_sampled_for_two_policies(server: StudioServer) -> None:
    asked = {"curriculum": "dots", "policies": ["learned", "scripted"], "count": 3, "seed": 4}
    status, answer, _ = post(server, "/api/episodes", asked)
    assert status == 200
    assert answer["stages"][0]["name"]
    assert len(answer["episodes"]) == 3
    for learned, scripted in answer["episodes"]:
        (mine,), (theirs,) = learned["characters"], scripted["characters"]
        assert mine["strokes"][0]["outline"] == theirs["strokes"][0]["outline"]
        assert mine["strokes"][0]["path"] != theirs["strokes"][0]["path"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""])
def test_other_hosts_are_refused(server: StudioServer, host: str) -> None:
    """A name elsewhere that points to loopback (DNS rebinding) comes as the host."""
    assert ask(server, "GET", "/", Host=host)[0] == 421
    assert ask(server, "POST", "/api/write", {"text": "永"}, Host=host, **JSON_HEADERS)[0] == 421


JSON_HEADERS = {"Content_Type": "application/json"}


def test_localhost_is_a_name_of_ours(server: StudioServer) -> None:
    assert ask(server, "GET", "/", Host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "file://"])
def test_other_origins_are_refused(server: StudioServer, origin: str) -> None:
    assert ask(server, "POST", "/api/write", {"text": "永"}, Origin=origin, **JSON_HEADERS)[0] == 403
    assert ask(server, "GET", "/api/about", Origin=origin)[0] == 403


def test_its_own_origin_is_not(server: StudioServer) -> None:
    origin = server.url.rstrip("/")
    assert ask(server, "POST", "/api/write", {"text": "永"}, Origin=origin, **JSON_HEADERS)[0] == 200


def test_other_sites_may_link_here_and_nothing_more(server: StudioServer) -> None:
    assert ask(server, "GET", "/", Sec_Fetch_Site="cross-site")[0] == 200
    assert ask(server, "GET", "/api/about", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(server, "GET", "/hierbrush-player.js", Sec_Fetch_Site="same-site")[0] == 403


def test_forms_of_other_pages_cannot_post(server: StudioServer) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert ask(server, "POST", "/api/write", b'{"text": "x"}', Content_Type=kind)[0] == 415


@pytest.mark.parametrize("most", [MOST_JSON, MOST_FILE])
def test_sizes_are_limited_before_anything_is_read(server: StudioServer, most: int) -> None:
    path, kind = ("/api/write", "application/json") if most == MOST_JSON else ("/api/goal", "application/octet-stream")
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: {kind}\r\n"
    assert b" 413 " in said(server, f"{head}Content-Length: {most + 1}\r\n\r\n".encode()).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Content-Length: 12\r\nContent-Length: 13\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_body_needs_one_length(server: StudioServer, lines: bytes) -> None:
    head = f"POST /api/write HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: application/json\r\n"
    assert b" 411 " in said(server, head.encode() + lines + b"\r\n{}").split(b"\r\n")[0]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 60000, b'"text"'], ids=repr)
def test_what_is_no_object_is_refused(server: StudioServer, body: bytes) -> None:
    assert ask(server, "POST", "/api/write", body, Content_Type="application/json")[0] == 400


def test_garbage_is_survived(server: StudioServer) -> None:
    rng = random.Random(0)
    pieces = [
        b"GET",
        b"POST",
        b" / ",
        b"HTTP/1.1",
        b"\r\n",
        b"Host: ",
        b"\0",
        b"\xff" * 9,
        b"Content-Length: ",
        b"9" * 40,
        b"{}",
        b":",
    ]
    for _ in range(150):
        said(server, b"".join(rng.choices(pieces, k=rng.randrange(1, 30))))
    said(server, b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n")
    said(server, b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n")
    said(server, b"GET /\r\n\r\n")
    assert ask(server, "GET", "/")[0] == 200


def test_a_hundred_requests_at_once_are_answered(server: StudioServer) -> None:
    texts = "永和九年歲在癸丑暮春"

    def one(number: int) -> tuple[int, str]:
        status, answer, _ = post(server, "/api/write", {"text": texts[number % len(texts)]})
        return status, answer["sheets"][0]["text"]

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    assert answers == [(200, texts[number % len(texts)]) for number in range(100)]


def test_a_connection_that_says_nothing_is_closed(server: StudioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module._Handler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET / HTT")
        assert connection.recv(10) == b""


def test_a_reader_that_goes_away_is_no_fault(server: StudioServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as connection:
            connection.sendall(f"GET /studio.js HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert ask(server, "GET", "/")[0] == 200
    assert capfd.readouterr().err == ""


COMMAND = [sys.executable, "-m", "hierbrush", "studio", "--no-browser"]


def test_the_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    line = process.stdout.readline()
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", line)[1])  # type: ignore[index]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, page_file("index.html").read_bytes())
    connection.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "hierbrush studio: ended\n", "")


def test_a_port_that_is_taken_is_told(server: StudioServer, tmp_path: Path) -> None:
    result = subprocess.run(
        [*COMMAND, "--port", str(server.server_port)], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE
    )
    assert result.returncode == 2
    assert result.stderr.startswith(f"hierbrush: error: --port: {server.server_port} cannot be used: another program")
    assert result.stderr.count("\n") == 1


def test_a_folder_of_runs_that_is_not_there_is_told(tmp_path: Path) -> None:
    command = [*COMMAND, "--runs", "nowhere"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE)
    assert (result.returncode, result.stderr) == (
        2,
        "hierbrush: error: --runs: 'nowhere' is no folder; trainings go to runs/ unless told otherwise\n",
    )


def test_no_compiler_and_no_torch_are_needed() -> None:
    code = (
        "import sys; from hierbrush.studio.desk import Desk; from hierbrush.studio.server import StudioServer; "
        "Desk().write({'text': '一'}); print({'torch', 'ray'} & set(sys.modules))"
    )
    environment = {**os.environ, "HIERBRUSH_CORE": "numpy"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment, timeout=PATIENCE
    )
    assert (result.stdout, result.returncode) == ("set()\n", 0), result.stderr
