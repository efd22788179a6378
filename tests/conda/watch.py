"""Put into an environment as `sitecustomize`: its jobs see this environment's packages alone.

Snakemake appends the search path of the Python that runs it to that of each script, because the
`snakemake` object needs Snakemake's own modules. A package that the environment lacks would come
from there unnoticed. So that path is taken away when a script begins to import the project, and a
job that needs more than its environment fails. At its end each job writes which packages it has
from elsewhere all the same into the folder `taken` beside this environment's packages.
"""

import atexit
import json
import os
import sys
from importlib.machinery import ModuleSpec

HERE = os.path.dirname(__file__)


class Leave:
    """A finder that finds nothing; being asked for the project is its sign."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == "fleximodal":
            sys.meta_path.remove(self)
            sys.path[:] = [p for p in sys.path if p == HERE or not p.endswith("site-packages")]
            atexit.register(write)
        return None


def write() -> None:
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    taken = {
        name.split(".")[0]
        for name, file in files.items()
        if "site-packages" in file and not file.startswith(HERE)
    }
    folder = os.path.join(HERE, "taken")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{os.getpid()}.json"), "w") as file:
        json.dump({"script": os.path.basename(sys.argv[0]), "taken": sorted(taken)}, file)


sys.meta_path.insert(0, Leave())
