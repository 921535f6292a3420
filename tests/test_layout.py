import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_is_under_the_import_contracts_and_the_type_checker() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]

    assert set(tools["importlinter"]["root_packages"]) == packages - {"bench", "tests"}
    assert set(tools["mypy"]["files"]) == packages | {"manage.py"}
