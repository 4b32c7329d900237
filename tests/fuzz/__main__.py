"""Fuzz one target: `python -m fuzz TARGET`, then folders of inputs and libFuzzer's flags."""

import importlib
import pkgutil
import sys
import warnings

import atheris

from fuzz import check_of


def main() -> None:
    target = sys.argv.pop(1)
    warnings.simplefilter("ignore")
    # What a text was compared with is tried next. The hook for expressions fails for bytes.
    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["fastlayer", "tomllib"]):
        import fastlayer  # noqa: PLC0415 (imported as it is instrumented)

        for module in pkgutil.walk_packages(fastlayer.__path__, "fastlayer."):
            if module.name.rpartition(".")[2] not in ("__main__", "_core"):
                importlib.import_module(module.name)
        check = check_of(target)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
