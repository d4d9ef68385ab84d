"""Scripts of this repository as modules: they have no ending, so that a plain import does not find them.

Owns how they are found. Loading one must have no effect.
"""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def script(name: str) -> Any:
    """The script of that name in ``scripts/`` as a module; typed as anything, since nothing describes it.

    Args:
        name: Its file name.
    """
    module_name = "script_" + name.replace("-", "_")
    if module_name in sys.modules:
        return sys.modules[module_name]
    loader = SourceFileLoader(module_name, str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(module_name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module
