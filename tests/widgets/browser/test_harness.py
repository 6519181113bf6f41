"""The harness itself: a small anywidget lives in both applications, and the record of requests sees what it must."""

import os
import signal

import pytest
from heard import Heard
from takes import BURST, burst_at

COUNTER = """
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = '''
    export default { render({ model, el }) {
        const button = document.createElement("button");
        const show = () => { button.textContent = `pressed ${model.get("count")}`; };
        button.className = "relay-test-counter";
        button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
        model.on("change:count", show);
        show();
        el.append(button);
    } };
    '''
    count = traitlets.Int(0).tag(sync=True)

counter = Counter(count=3)
counter
"""


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_widget_shows_its_state_and_sends_it_back(open_notebook, app):
    """No cell of set-up is needed; the kernel knows of a press, and the view of what the kernel sets."""
    notebook = open_notebook([COUNTER, "counter.count", "counter.count = 40"], app)
    notebook.run(0)
    button = notebook.page.locator(".relay-test-counter")
    assert button.inner_text() == "pressed 3"
    button.click()
    notebook.run(1)
    assert notebook.text(1) == "4"
    notebook.run(2)
    notebook.page.get_by_text("pressed 40").wait_for()


def test_a_restarted_kernel_has_forgotten(open_notebook):
    """The restart that later tests rely on is one."""
    notebook = open_notebook(["kept = 1", "'kept' in globals()"])
    notebook.run(0)
    notebook.run(1)
    assert notebook.text(1) == "True"
    notebook.restart()
    notebook.run(1)
    assert notebook.text(1) == "False"


def test_an_exception_in_a_cell_fails_the_test(open_notebook):
    """With what Python said of it."""
    notebook = open_notebook(["{}['no such key']"])
    with pytest.raises(AssertionError, match="no such key"):
        notebook.run(0)


def test_a_killed_kernel_is_replaced(open_notebook, jupyter):
    """The process that is found is the kernel's, and the one that comes after it knows nothing."""
    notebook = open_notebook(["import os\nkept = os.getpid()\nkept", "'kept' in globals()"])
    notebook.run(0)
    pid = jupyter.kernel_pid(notebook.name)
    assert notebook.text(0) == str(pid)
    os.kill(pid, signal.SIGKILL)
    notebook.revive()
    notebook.run(1)
    assert notebook.text(1) == "False"
    assert jupyter.kernel_pid(notebook.name) != pid


def test_requests_to_other_hosts_are_seen(context, traffic):
    """What leaves the machine, by HTTP or by websocket, is in the record: an empty one means something."""
    page = context.new_page()
    page.evaluate("() => fetch('http://relay.invalid/a').catch(() => null)")
    page.evaluate("() => new Promise(done => { new WebSocket('ws://relay.invalid/b').onerror = done; })")
    page.evaluate("() => fetch('data:,here')")
    assert sorted(traffic.abroad()) == ["http://relay.invalid/a", "ws://relay.invalid/b"]


def test_connections_of_the_kernel_are_seen(open_notebook, jupyter):
    """A socket that the kernel opens is in the record, and so is a name that it asks for in vain."""
    code = [
        "import socket, contextlib",
        "socket.socket().connect_ex(('127.0.0.9', 9))",
        "with contextlib.suppress(OSError): socket.getaddrinfo('relay.localhost', 80)",
    ]
    notebook = open_notebook(["\n".join(code)])
    notebook.run(0)
    assert {"127.0.0.9", "relay.localhost"} <= jupyter.hosts()


PLAY = """([samples, at]) => {
    const context = window.context = new AudioContext({ sampleRate: 16000 });
    const buffer = context.createBuffer(1, samples.length, 16000);
    buffer.getChannelData(0).set(samples);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(at);
}"""


def test_what_is_played_is_recorded_on_the_audio_clock(context, jupyter):
    """A burst that is due at 1.25 s is heard then, to the sample; an AudioContext begins at 0."""
    heard, page = Heard(context), context.new_page()
    page.goto(f"{jupyter.url}login")
    page.evaluate(PLAY, [BURST.tolist(), 1.25])
    heard.wait(page)
    page.wait_for_function("() => window.context.currentTime > 1.5")
    times_s, samples, _ = heard.take(page)
    assert times_s[0] < 1.2
    assert times_s[int(burst_at(samples))] == pytest.approx(1.25 + len(BURST) / 2 / 16_000, abs=1 / 16_000)
