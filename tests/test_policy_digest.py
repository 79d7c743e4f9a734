"""Whatever a policy's source refers to is in its digest, so that no stored run is stale."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smssim.experiment.policy_digest import NoDigestError, policy_digests

FILES = {
    "main": "import helper\n\ndef policy(account, event):\n    return [helper.f(1)]\n",
    "named": "from helper import f\n\ndef policy(account, event):\n    return f(1)\n",
    "late": "def policy(account, event):\n    import helper\n    return helper.f(1)\n",
    "inner": "from helper import f\n\ndef policy(account, event):\n    return (lambda: f(1))()\n",
    "methods": "import helper\n\nclass Policy:\n    def __call__(self, account, event):\n"
    "        return helper.f(1)\n\npolicy = Policy()\n",
    "bound": "import helper\n\nclass Policy:\n    def act(self, account, event):\n"
    "        return helper.f(1)\n\npolicy = Policy().act\n",
    "based": "import helper\n\nclass Base:\n    def __call__(self, account, event):\n"
    "        return helper.f(1)\n\nclass Policy(Base):\n    pass\n\npolicy = Policy()\n",
    "static": "import helper\n\nclass Policy:\n    @staticmethod\n    def act(account, event):\n"
    "        return helper.f(1)\n\ndef policy(account, event):\n    Policy.act(account, event)\n",
    "wrapped": "import functools\nimport helper\n\ndef wrap(g):\n    @functools.wraps(g)\n"
    "    def inner(*a):\n        return helper.f(g(*a))\n    return inner\n\n@wrap\n"
    "def policy(account, event):\n    return 1\n",
    "default": "import helper\n\ndef policy(account, event, g=helper.f):\n    return g(1)\n",
    "set_of": "import helper\n\nALL = {helper.f}\n\ndef policy(account, event):\n    return ALL\n",
}


def digest(folder: Path, name: str) -> str:
    """The digest of a policy in a module of a folder, in a process of its own."""
    code = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from {name} import policy
from smssim.experiment.policy_digest import policy_digests
print(*policy_digests([policy]))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONHASHSEED": "random"},
    )  # fmt: skip
    return run.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "helper.py").write_text("import deeper\n\ndef f(x):\n    return deeper.g(x)\n")
    (tmp_path / "deeper.py").write_text("def g(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def fresh(name: str) -> str:
    """The digest of a policy whose modules are imported anew."""
    for each in (*FILES, "helper", "deeper"):
        sys.modules.pop(each, None)
    importlib.invalidate_caches()
    import linecache

    linecache.checkcache()
    return policy_digests([importlib.import_module(name).policy])[0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("changed", ["helper", "deeper"])
def test_a_changed_helper_changes_the_digest(folder: Path, name: str, changed: str) -> None:
    first = fresh(name)
    assert fresh(name) == first
    file = folder / f"{changed}.py"
    file.write_text(file.read_text().replace("(x)", "(x, y=1)", 1))
    assert fresh(name) != first


def test_the_digest_is_the_same_in_every_process(folder: Path) -> None:
    for name in ("main", "set_of", "wrapped"):
        assert digest(folder, name) == fresh(name)


def test_a_package_that_imports_relatively_is_followed(folder: Path) -> None:
    package = folder / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(
        "from . import helper\n\ndef policy(account, event):\n    return helper.f()\n"
    )
    (package / "helper.py").write_text("from .values import X\n\ndef f():\n    return X\n")
    (package / "values.py").write_text("X = 1\n")
    first = digest(folder, "mine.main")
    (package / "values.py").write_text("X = 2\n")
    assert digest(folder, "mine.main") != first


def test_an_installed_package_is_its_version_imported_or_not(folder: Path) -> None:
    (folder / "uses.py").write_text(
        "def policy(account, event):\n    import scipy\n    return scipy\n"
    )
    first = digest(folder, "uses")
    (folder / "scipy_first.py").write_text("import scipy.stats\nfrom uses import policy\n")
    assert digest(folder, "scipy_first") == first


def test_what_has_no_source_has_no_digest() -> None:
    made: dict[str, object] = {}
    exec("def policy(account, event):\n    return 1\n", made)
    with pytest.raises(NoDigestError, match="must have a source that can be read"):
        policy_digests([made["policy"]])
