"""Modules are joined so that they work as before; node says whether they do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from relaylib.errors import ParameterError
from relaylib.widgets import esm
from relaylib.widgets.esm import joined

STATIC = Path(esm.__file__).parent / "static"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def written(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "index.js"


def node(script):
    done = subprocess.run(
        ["node", "--input-type=module", "-"], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_node
def test_names_inside_of_modules_stay_their_own(tmp_path):
    """Two modules have a `helper` each, one is imported twice, and its state is one."""
    entry = written(
        tmp_path,
        one="let count = 0;\nfunction helper() { return ++count; }\nexport function one() { return helper(); }\n",
        two='import { one } from "./one.js";\nconst helper = 10;\nexport const two = () => helper + one();\n',
        index='import { one } from "./one.js";\nimport {\n  two,\n} from "./two.js";\nexport default [one(), two()];\n',
    )
    script = joined(entry).replace("export default", "const whole =") + "console.log(JSON.stringify(whole));"
    assert node(script) == "[1,12]\n"


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"index": 'import { a } from "./a.js";\n'}, "a.js: index.js imports it, but there is none"),
        ({"index": 'import { a } from "./a.js";\n', "a": "export const b = 1;\n"}, "index.js imports a from a.js"),
        (
            {"index": 'import { a } from "./a.js";\n', "a": 'import { b } from "./index.js";\nexport const a = 1;\n'},
            "index.js -> a.js -> index.js",
        ),
        ({"index": 'import * as a from "./a.js";\n'}, "cannot be joined"),
        ({"index": 'import { a } from "https://example.com/a.js";\n'}, "cannot be joined"),
        ({"index": "const a = 1;\nexport { a };\n"}, "cannot be joined"),
    ],
)
def test_what_cannot_be_joined_is_an_error(tmp_path, modules, message):
    """The message names the module; nothing is fetched from elsewhere."""
    with pytest.raises(ParameterError, match=message):
        joined(written(tmp_path, **modules))


@needs_node
def test_the_view_of_the_annotator_is_a_module_that_renders():
    """It parses, and its default export has `render`."""
    script = joined(STATIC / "index.js").replace("export default", "const whole =")
    assert node(script + "console.log(typeof whole.render);") == "function\n"


def test_the_view_asks_nobody_for_anything():
    """No address of another host stands in it, and nothing that loads by itself."""
    script = joined(STATIC / "index.js")
    for word in ("http:", "https:", "fetch(", "XMLHttpRequest", "import(", "@import", "innerHTML"):
        assert word not in script
