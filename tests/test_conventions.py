"""An edit that changes a naming convention is seen; an edit of the models beside it is not."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData

from templatedb.conventions import changed, content_digest, record
from templatedb.conventions.modules import module_finder
from templatedb.conventions.slices import slice_of
from templatedb.conventions.source import imported_modules

PK = '{"pk": "pk_%(table_name)s"}'
PLAIN = '{"pk": "pk"}'  # without placeholders only the way to the metadata gives it away
OTHER = '{"pk": "primary"}'
USE = "from sqlalchemy import MetaData\nmetadata = MetaData(naming_convention=NAMING)\n"
BASE = """
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase
NAMING = {"pk": "pk"}
class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def edited(folder: Path, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the files that an edit makes suspect; files that *after* leaves out are deleted."""
    find = module_finder((folder,))
    write(folder, before)
    recorded = record([folder / name for name in before], find)
    for name in before.keys() - after.keys():
        (folder / name).unlink()
    write(folder, after)
    return [path.relative_to(folder).as_posix() for path in changed(recorded, find)]


def one(before: str, after: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"models.py": before}, {"models.py": after}


def swap(files: dict[str, str], name: str, old: str, new: str) -> tuple[dict[str, str], dict[str, str]]:
    assert old in files[name]
    return files, files | {name: files[name].replace(old, new)}


def literal(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the edit of one module in which only the value changes."""
    assert "VALUE" in text
    return one(text.replace("VALUE", PLAIN), text.replace("VALUE", OTHER))


IMPORTED = {"app/__init__.py": "", "app/naming.py": f"NAMING = {PLAIN}\n"}
CYCLE = {
    "app/__init__.py": "",
    "app/naming.py": 'from app.models import PREFIX\nNAMING = {"pk": PREFIX}\n',
    "app/models.py": "from app.naming import NAMING\nPREFIX = 'pk'\n" + USE,
}
MAKER = {
    "app/__init__.py": "",
    "app/db.py": "from sqlalchemy import MetaData\n"
    "def make(naming, schema=None):\n    return MetaData(schema, naming_convention=naming)\n",
    "app/models.py": f"from app.db import make\nmetadata = make({PLAIN})\n",
}

CHANGED = {
    "literal in a call": literal("metadata = MetaData(naming_convention=VALUE)"),
    "literal in a call of a module's name": literal(
        "import sqlalchemy as sa\nm = sa.MetaData(naming_convention=VALUE)"
    ),
    "third positional argument": literal("metadata = MetaData(None, None, VALUE)"),
    "positional argument of a renamed class": literal("from sqlalchemy import MetaData as M\nm = M(None, None, VALUE)"),
    "keywords by unpacking": literal('OPTIONS = {"naming_convention": VALUE}\nmetadata = MetaData(**OPTIONS)'),
    "keywords by unpacking, built later": literal(
        "O = {}\nO['naming_' + 'convention'] = VALUE\nmetadata = MetaData(**O)"
    ),
    "arguments by unpacking": literal("A = (None, None, VALUE)\nmetadata = MetaData(*A)"),
    "module constant": literal("NAMING = VALUE\n" + USE),
    "constant of a constant": literal("INNER = VALUE\nNAMING = dict(INNER)\n" + USE),
    "annotated constant": literal("NAMING: dict[str, str] = VALUE\n" + USE),
    "constant by several targets": literal("A, NAMING = 1, VALUE\n" + USE),
    "constant by a walrus": literal("print(NAMING := VALUE)\n" + USE),
    "merged constant": literal("NAMING = {'ix': 'x'}\nNAMING |= VALUE\n" + USE),
    "key set afterwards": one(
        f"NAMING = {PLAIN}\nNAMING['ix'] = 'a'\n{USE}", f"NAMING = {PLAIN}\nNAMING['ix'] = 'b'\n{USE}"
    ),
    "update afterwards": one(f"NAMING = {PLAIN}\n{USE}", f"NAMING = {PLAIN}\nNAMING.update(ix='b')\n{USE}"),
    "update by a helper's call": literal("def add(d): d.update(VALUE)\nNAMING = {}\nadd(NAMING)\n" + USE),
    "update in a helper": literal("NAMING = {}\ndef add():\n    NAMING.update(VALUE)\nadd()\n" + USE),
    "a helper's call taken out": one(
        f"NAMING = {{}}\ndef add():\n    NAMING.update({PLAIN})\nadd()\n{USE}",
        f"NAMING = {{}}\ndef add():\n    NAMING.update({PLAIN})\n{USE}",
    ),
    "update by an alias": literal("NAMING = {}\nsame = NAMING\nsame.update(VALUE)\n" + USE),
    "update in another's expression": literal("NAMING = {}\n_ = NAMING.update(VALUE)\n" + USE),
    "order of updates": one(
        f"NAMING = {{}}\nNAMING.update({PLAIN})\nNAMING.update({OTHER})\n{USE}",
        f"NAMING = {{}}\nNAMING.update({OTHER})\nNAMING.update({PLAIN})\n{USE}",
    ),
    "order of a copy and a change": one(
        f"X = {{}}\nNAMING = dict(X)\nX.update({PLAIN})\n{USE}", f"X = {{}}\nX.update({PLAIN})\nNAMING = dict(X)\n{USE}"
    ),
    "key deleted": one(f"NAMING = {PLAIN}\n{USE}", f"NAMING = {PLAIN}\ndel NAMING['pk']\n{USE}"),
    "global in a function": literal("NAMING = {}\ndef fill():\n    global NAMING\n    NAMING = VALUE\nfill()\n" + USE),
    "loop": literal("NAMING = {}\nfor key, value in VALUE.items():\n    NAMING[key] = value\n" + USE),
    "comprehension": literal("PARTS = VALUE\nNAMING = {key: value for key, value in PARTS.items()}\n" + USE),
    "condition": one(
        f"if 1 > 2:\n    NAMING = {PLAIN}\nelse:\n    NAMING = {OTHER}\n{USE}",
        f"if 1 < 2:\n    NAMING = {PLAIN}\nelse:\n    NAMING = {OTHER}\n{USE}",
    ),
    "condition around the call": one(
        f"if 1 > 2:\n    m = MetaData(naming_convention={PLAIN})\nelse:\n    m = MetaData()",
        f"if 1 < 2:\n    m = MetaData(naming_convention={PLAIN})\nelse:\n    m = MetaData()",
    ),
    "condition in an expression": one(
        f"m = MetaData(naming_convention={PLAIN}) if 1 > 2 else MetaData()",
        f"m = MetaData(naming_convention={PLAIN}) if 1 < 2 else MetaData()",
    ),
    "choice by key": one(
        f"m = {{'a': MetaData(naming_convention={PLAIN}), 'b': None}}['a']",
        f"m = {{'a': MetaData(naming_convention={PLAIN}), 'b': None}}['b']",
    ),
    "fallback of an import": literal(
        "try:\n    from nowhere import NAMING\nexcept ImportError:\n    NAMING = VALUE\n" + USE
    ),
    "with statement": literal("with suppress(Exception):\n    NAMING = VALUE\n" + USE),
    "match statement": literal("match 1:\n    case 1:\n        NAMING = VALUE\n" + USE),
    "f-string": one("P = 'a'\nNAMING = {'pk': f'{P}_pk'}\n" + USE, "P = 'b'\nNAMING = {'pk': f'{P}_pk'}\n" + USE),
    "function as a value": one(
        "def fk_name(constraint, table):\n    return 'a'\nNAMING = {'fk_long': fk_name}\n" + USE,
        "def fk_name(constraint, table):\n    return 'b'\nNAMING = {'fk_long': fk_name}\n" + USE,
    ),
    "helper of a function as a value": one(
        "def short(x):\n    return x[:9]\ndef fk_name(c, t):\n    return short(t.name)\nNAMING = {'fk': fk_name}\n"
        + USE,
        "def short(x):\n    return x[:8]\ndef fk_name(c, t):\n    return short(t.name)\nNAMING = {'fk': fk_name}\n"
        + USE,
    ),
    "lambda as a value": one(
        "m = MetaData(naming_convention={'fk': lambda c, t: 'a'})",
        "m = MetaData(naming_convention={'fk': lambda c, t: 'b'})",
    ),
    "parameter's default of a function as a value": one(
        "L = 9\ndef fk(c, t, n=L):\n    return t.name[:n]\nNAMING = {'fk': fk}\n" + USE,
        "L = 8\ndef fk(c, t, n=L):\n    return t.name[:n]\nNAMING = {'fk': fk}\n" + USE,
    ),
    "class attribute of another class": literal(
        "class Names:\n    pk = VALUE\nm = MetaData(naming_convention=Names.pk)"
    ),
    "class attribute of the own class": literal(
        "class Base(DeclarativeBase):\n    NAMING = VALUE\n    metadata = MetaData(naming_convention=NAMING)"
    ),
    "attribute inherited by a class": literal(
        "class A:\n    pk = VALUE\nclass Names(A):\n    pass\nm = MetaData(naming_convention=Names.pk)"
    ),
    "declarative base": swap({"models.py": BASE}, "models.py", PLAIN, OTHER),
    "declarative base without its metadata": swap(
        {"models.py": BASE}, "models.py", "metadata = MetaData(naming_convention=NAMING)", "pass"
    ),
    "attribute of SQLModel's metadata": literal("SQLModel.metadata.naming_convention = VALUE"),
    "attribute by a name": literal("NAMING = VALUE\nSQLModel.metadata.naming_convention = NAMING"),
    "attribute by setattr": literal("setattr(SQLModel.metadata, 'naming_convention', VALUE)"),
    "attribute updated": literal("Base.metadata.naming_convention.update(VALUE)"),
    "attribute's key": literal("Base.metadata.naming_convention['pk'] = VALUE['pk']"),
    "attribute merged": literal("Base.metadata.naming_convention |= VALUE"),
    "attribute of an alias updated": literal("names = Base.metadata.naming_convention\nnames.update(VALUE)"),
    "key of options": literal("options = {}\noptions['naming_convention'] = VALUE\nm = MetaData(**options)"),
    "default of options": literal(
        "options = {}\noptions.setdefault('naming_convention', VALUE)\nm = MetaData(**options)"
    ),
    "pairs": literal("m = MetaData(**dict([('naming_convention', VALUE)]))"),
    "Flask-SQLAlchemy": literal("db = SQLAlchemy(metadata=MetaData(naming_convention=VALUE))"),
    "declarative_base": literal("Base = declarative_base(metadata=MetaData(naming_convention=VALUE))"),
    "partial": literal("make = partial(MetaData, naming_convention=VALUE)\nmetadata = make()"),
    "subclass of MetaData": literal(
        "class Named(MetaData):\n    def __init__(self):\n        super().__init__(naming_convention=VALUE)\nmetadata = Named()"
    ),
    "factory": literal("def make():\n    return MetaData(naming_convention=VALUE)\nmetadata = make()"),
    "factory's local name": literal(
        "def make():\n    naming = {}\n    naming.update(VALUE)\n    return MetaData(naming_convention=naming)\nmetadata = make()"
    ),
    "factory's default": literal(
        "def make(naming=VALUE):\n    return MetaData(naming_convention=naming)\nmetadata = make()"
    ),
    "factory's import": (
        IMPORTED
        | {
            "models.py": "def make():\n    from app.naming import NAMING as n\n    return MetaData(naming_convention=n)\n"
        },
        IMPORTED
        | {
            "models.py": "def make():\n    from app.naming import NAMING as n\n    return MetaData(naming_convention=n)\n"
        }
        | {"app/naming.py": f"NAMING = {OTHER}\n"},
    ),
    "factory's argument": literal(
        "def make(naming):\n    return MetaData(naming_convention=naming)\nmetadata = make(VALUE)"
    ),
    "factory's argument in another module": swap(MAKER, "app/models.py", PLAIN, OTHER),
    "factory's argument by way of another factory": swap(
        MAKER | {"app/models.py": f"from app.db import make\ndef again(n):\n    return make(n)\nagain({PLAIN})"},
        "app/models.py",
        PLAIN,
        OTHER,
    ),
    "method": literal(
        "class Database:\n    names = VALUE\n    def metadata(self):\n        return MetaData(naming_convention=self.names)"
    ),
    "object made with it": literal(
        "class Database:\n    def __init__(self, n):\n        self.n = n\n    def make(self):\n"
        "        return MetaData(naming_convention=self.n)\nm = Database(VALUE).make()"
    ),
    "property of that name": literal(
        "class Settings:\n    @property\n    def naming_convention(self):\n        return VALUE"
    ),
    "metadata taken away": one(
        f"m = MetaData(naming_convention={PLAIN})\nBase = declarative_base(metadata=m)",
        f"m = MetaData(naming_convention={PLAIN})\nBase = declarative_base()",
    ),
    "other metadata": one(
        f"m = MetaData(naming_convention={PLAIN})\nn = MetaData()\nclass Base(DeclarativeBase):\n    metadata = m",
        f"m = MetaData(naming_convention={PLAIN})\nn = MetaData()\nclass Base(DeclarativeBase):\n    metadata = n",
    ),
    "convention added": one("metadata = MetaData()", f"metadata = MetaData(naming_convention={PLAIN})"),
    "convention added to a file without a word of it": one(
        "x = 1", f"x = 1\nBase.metadata.naming_convention = {PLAIN}"
    ),
    "convention removed": one(f"metadata = MetaData(naming_convention={PLAIN})", "metadata = MetaData()"),
    "file with it deleted": ({"models.py": f"m = MetaData(naming_convention={PLAIN})", "b.py": ""}, {"b.py": ""}),
    "another module's constant": swap(
        IMPORTED | {"app/models.py": "from app.naming import NAMING\n" + USE}, "app/naming.py", PLAIN, OTHER
    ),
    "another module's constant by another name": swap(
        IMPORTED | {"app/models.py": "from app.naming import NAMING as N\n" + USE.replace("NAMING", "N")},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "another module's attribute": swap(
        IMPORTED | {"app/models.py": "import app.naming\n" + USE.replace("NAMING", "app.naming.NAMING")},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "another module as an object": swap(
        IMPORTED | {"app/models.py": "import app.naming as n\n" + USE.replace("NAMING", "vars(n)['NAMING']")},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "submodule taken from its package": swap(
        IMPORTED | {"app/models.py": "from app import naming\n" + USE.replace("NAMING", "naming.NAMING")},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "relative import": swap(
        IMPORTED | {"app/models.py": "from .naming import NAMING\n" + USE}, "app/naming.py", PLAIN, OTHER
    ),
    "relative import from above": swap(
        IMPORTED | {"app/a/__init__.py": "", "app/a/models.py": "from ..naming import NAMING\n" + USE},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "star import": swap(
        IMPORTED | {"app/models.py": "from app.naming import *\n" + USE}, "app/naming.py", PLAIN, OTHER
    ),
    "star import of a star import": swap(
        IMPORTED | {"app/all.py": "from .naming import *", "app/models.py": "from .all import *\n" + USE},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "star import that hides a constant": (
        {"names.py": "", "models.py": f"NAMING = {PLAIN}\nfrom names import *\n{USE}"},
        {"names.py": f"NAMING = {OTHER}", "models.py": f"NAMING = {PLAIN}\nfrom names import *\n{USE}"},
    ),
    "re-exported constant": swap(
        IMPORTED | {"app/__init__.py": "from .naming import NAMING", "models.py": "from app import NAMING\n" + USE},
        "app/naming.py",
        PLAIN,
        OTHER,
    ),
    "re-exported from elsewhere": swap(
        IMPORTED
        | {"app/other.py": f"NAMING = {OTHER}"}
        | {"app/__init__.py": "from .naming import NAMING", "models.py": "from app import NAMING\n" + USE},
        "app/__init__.py",
        ".naming",
        ".other",
    ),
    "changed from another module": swap(
        IMPORTED
        | {"app/models.py": "from app.naming import NAMING\n" + USE}
        | {"app/late.py": "from app.naming import NAMING\nNAMING['ix'] = 'a_%(column_0_label)s'"},
        "app/late.py",
        "'a_",
        "'b_",
    ),
    "changed from another module without a placeholder": swap(
        IMPORTED
        | {"app/models.py": "from app.naming import NAMING\n" + USE}
        | {"app/late.py": "from app.naming import NAMING as N\nN['ix'] = 'a'"},
        "app/late.py",
        "'a'",
        "'b'",
    ),
    "changed from another module by the module": swap(
        IMPORTED
        | {"app/models.py": "from app.naming import NAMING\n" + USE}
        | {"app/late.py": "from app import naming\nnaming.NAMING.update(ix='a')"},
        "app/late.py",
        "'a'",
        "'b'",
    ),
    "changed from a new module": (
        IMPORTED | {"app/models.py": "from app.naming import NAMING\n" + USE, "x.py": ""},
        IMPORTED
        | {"app/models.py": "from app.naming import NAMING\n" + USE, "x.py": "import y"}
        | {"y.py": "import app.naming as n\nn.NAMING['ix'] = 'b'"},
    ),
    "name that a module makes up": swap(
        {"naming.py": f"globals().update(NAMING={PLAIN})", "models.py": "from naming import NAMING\n" + USE},
        "naming.py",
        PLAIN,
        OTHER,
    ),
    "library's constant": one("from alpha import NAMING\n" + USE, "from beta import NAMING\n" + USE),
    "import cycle": swap(CYCLE, "app/models.py", "'pk'", "'primary'"),
    "followed module deleted": (
        IMPORTED | {"app/models.py": "from app.naming import NAMING\n" + USE},
        {"app/__init__.py": "", "app/models.py": "from app.naming import NAMING\n" + USE},
    ),
    "moved to a new module": (
        {"app/__init__.py": "", "app/models.py": f"NAMING = {PLAIN}\n{USE}"},
        {
            "app/__init__.py": "",
            "app/models.py": f"from app.new import NAMING\n{USE}",
            "app/new.py": f"NAMING = {OTHER}",
        },
    ),
    "given in a new module": (
        {"app/__init__.py": "", "app/models.py": "x = 1"},
        {"app/__init__.py": "", "app/models.py": "import app.new", "app/new.py": f"M.naming_convention = {OTHER}"},
    ),
    "given in a new module that a new module imports": (
        {"app/__init__.py": "", "app/models.py": "x = 1"},
        {
            "app/__init__.py": "",
            "app/models.py": "from app import one",
            "app/one.py": "def f():\n    from . import two",
            "app/two.py": f"M.naming_convention = {OTHER}",
        },
    ),
    "syntax error": one(f"m = MetaData(naming_convention={PLAIN})", f"m = MetaData(naming_convention={PLAIN}"),
}

SAME = {
    "column added": swap({"models.py": BASE + "    id = 1\n"}, "models.py", "id = 1", "id = 1\n    name = 2"),
    "model added": swap({"models.py": BASE}, "models.py", BASE, BASE + "class User(Base):\n    pass\n"),
    "column added below a metadata of its own": literal(
        "class Base(DeclarativeBase):\n    x = VALUE\n    metadata = MetaData(naming_convention={'pk': 'pk'})"
    ),
    "column added below SQLModel": literal(
        "class User(SQLModel):\n    x = VALUE\nSQLModel.metadata.naming_convention = {'pk': 'pk'}"
    ),
    "other arguments": one(
        f"db = SQLAlchemy(app, metadata=MetaData(naming_convention={PLAIN}))",
        f"db = SQLAlchemy(other, metadata=MetaData(schema='x', naming_convention={PLAIN}), session_options={{}})",
    ),
    "comment": one(f"m = MetaData(naming_convention={PLAIN})", f"# why\nm = MetaData(naming_convention={PLAIN})  # so"),
    "format": one(
        f"m = MetaData(naming_convention={PLAIN})",
        "m = MetaData(\n    naming_convention={\n        'pk': ('pk'),\n    },\n)",
    ),
    "docstrings": one(
        "def fk(c, t):\n    return 'a'\nm = MetaData(naming_convention={'fk': fk})",
        "'''x'''\ndef fk(c, t):\n    '''%(table_name)s'''\n    return 'a'\nm = MetaData(naming_convention={'fk': fk})",
    ),
    "spelling of text": one(
        "m = MetaData(naming_convention={u'pk': 'p' 'k'})", "m = MetaData(naming_convention={'pk': 'pk'})"
    ),
    "order of other code": one(f"A = 1\nB = 2\nNAMING = {PLAIN}\n{USE}", f"B = 2\nNAMING = {PLAIN}\nA = 1\n{USE}"),
    "other clause of an import": one(f"from x import NAMING\n{USE}", f"from x import other, NAMING\n{USE}"),
    "other constant": literal("OTHER = VALUE\nNAMING = {}\n" + USE),
    "other constant of another module": swap(
        IMPORTED | {"app/naming.py": f"NAMING = {PLAIN}\nX = 1\n", "m.py": "from app.naming import NAMING\n" + USE},
        "app/naming.py",
        "X = 1",
        "X = 2",
    ),
    "nothing to do with it": literal("x = VALUE"),
    "metadata without a convention": one("metadata = MetaData()", "metadata = MetaData(schema='x')"),
    "metadata of something else": literal("x = field(metadata=VALUE)"),
    "file without it deleted": ({"models.py": "x = 1", "b.py": ""}, {"b.py": ""}),
    "file without it broken": one("x = 1", "x = ("),
    "new module without it": (
        {"app/__init__.py": "", "app/models.py": "x = 1"},
        {"app/__init__.py": "", "app/models.py": "import app.new", "app/new.py": "class User(Base):\n    pass"},
    ),
    "new module for type checkers": (
        {"models.py": "x = 1"},
        {
            "models.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import new",
            "new.py": f"M.naming_convention = {OTHER}",
        },
    ),
    "import cycle": swap(CYCLE, "app/models.py", "PREFIX =", "OTHER = 1\nPREFIX ="),
    "factory elsewhere edited beside its call": swap(MAKER, "app/models.py", "metadata =", "x = 1\nmetadata ="),
    "view of an application": swap(
        {
            "app/__init__.py": "from flask import Flask\nfrom .db import db, NAMING\nfrom .views import pages\n"
            "def create_app():\n    app = Flask(__name__)\n    db.init_app(app)\n    app.register_blueprint(pages)\n"
            "    return app\napp = create_app()\napp.logger.info(NAMING)",
            "app/db.py": f"NAMING = {PLAIN}\ndb = SQLAlchemy(metadata=MetaData(naming_convention=NAMING))",
            "app/models.py": "from .db import db\nclass User(db.Model):\n    id = db.Column()",
            "app/views.py": "from . import app\nfrom .models import User\npages = Blueprint('pages')\n"
            "@pages.route('/')\ndef index():\n    return 'old'",
        },
        "app/views.py",
        "old",
        "new",
    ),
    "settings beside it": swap(
        {
            "config.py": f"class Config(Settings):\n    debug = 1\nNAMING = {PLAIN}\nconfig = Config()",
            "db.py": "from config import NAMING, config\nengine = create_engine(config.url)\n" + USE,
        },
        "config.py",
        "debug = 1",
        "debug = 2",
    ),
    "annotation of a function as a value": swap(
        {
            "a.py": "class A:\n    x = 1",
            "m.py": "from a import A\ndef fk(c: A) -> A:\n    return 'x'\nm = MetaData(naming_convention={'fk': fk})",
        },
        "a.py",
        "x = 1",
        "x = 2",
    ),
    "global of the name of a local": one(
        "table = 1\ndef fk(c, table):\n    return table.name\nm = MetaData(naming_convention={'fk': fk})",
        "table = 2\ndef fk(c, table):\n    return table.name\nm = MetaData(naming_convention={'fk': fk})",
    ),
    "model of another module": (
        {"db.py": BASE, "models.py": "from db import Base\nclass User(Base):\n    a = 1"},
        {"db.py": BASE, "models.py": "from db import Base\nclass User(Base):\n    b = 1"},
    ),
    "table of another module": (
        {"db.py": BASE, "models.py": "from db import Base\nt = Table('t', Base.metadata, Column('a'))"},
        {"db.py": BASE, "models.py": "from db import Base\nt = Table('t', Base.metadata, Column('b'))"},
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_an_edit_that_may_change_a_convention_is_seen(tmp_path, before, after):
    """A missed one would leave the golden stale."""
    assert edited(tmp_path, before, after) != []


@pytest.mark.parametrize(("before", "after"), SAME.values(), ids=SAME)
def test_an_edit_of_anything_else_is_not(tmp_path, before, after):
    """The application's models change all day: each edit must stay a hit."""
    assert edited(tmp_path, before, after) == []


@pytest.mark.parametrize(
    "files", [one for one, _ in [*CHANGED.values(), *SAME.values()]], ids=[*CHANGED, *(f"same {name}" for name in SAME)]
)
def test_nothing_changed_means_nothing_yielded(tmp_path, files):
    """Neither with the same contents, nor when every file is sliced again."""
    assert edited(tmp_path, files, files) == []
    assert edited(tmp_path, files, {name: text + "\n# more\n" for name, text in files.items()}) == []


NAMES = st.sampled_from(["pk", "ix", "uq"])
TEXTS = st.sampled_from(["a", "b", "c_%(table_name)s", "d_%(table_name)s"])
CONVENTIONS = st.dictionaries(NAMES, TEXTS, max_size=2)
STATEMENTS = st.one_of(
    st.builds("NAMING = {!r}".format, CONVENTIONS),
    st.builds("NAMING.update({!r})".format, CONVENTIONS),
    st.builds("NAMING[{!r}] = {!r}".format, NAMES, TEXTS),
    st.builds("OTHER = {!r}".format, CONVENTIONS),
    st.builds("NAMING = OTHER".format),
    st.builds("OTHER = dict(NAMING)".format),
    st.builds("NAMING |= OTHER".format),
    st.builds("NAMING.pop({!r}, None)".format, NAMES),
    st.builds("if {}:\n    NAMING = {!r}\nelse:\n    OTHER = NAMING".format, st.booleans(), CONVENTIONS),
    st.builds("for key in {!r}:\n    NAMING[key] = {!r}".format, st.lists(NAMES, max_size=2), TEXTS),
    st.builds("def change():\n    OTHER[{!r}] = {!r}".format, NAMES, TEXTS),
    st.builds("def change():\n    global NAMING\n    NAMING = {!r}".format, CONVENTIONS),
    st.just("change()"),
    st.builds("UNRELATED = {!r}".format, TEXTS),
)
MODULES = st.builds(
    lambda own, shared, given, late: {
        "shared.py": "\n".join(["NAMING, OTHER = {}, {}", "def change(): pass", *shared]),
        "models.py": "\n".join(
            [
                "from shared import *" if len(shared) % 2 else "from shared import NAMING, OTHER, change",
                *own,
                given,
                *late,
            ]
        ),
    },
    st.lists(STATEMENTS, max_size=4),
    st.lists(STATEMENTS, max_size=3),
    st.sampled_from(
        [
            "metadata = MetaData(naming_convention=NAMING)",
            "metadata = MetaData(None, None, NAMING)",
            "metadata = MetaData(**{'naming_convention': NAMING})",
            "metadata = MetaData()\nmetadata.naming_convention = NAMING",
            "def make(naming=None): return MetaData(naming_convention=naming)\nmetadata = make(NAMING)",
            "def make(): return MetaData(naming_convention=OTHER)\nmetadata = make()",
            "metadata = MetaData(naming_convention=NAMING if 'pk' in OTHER else None)",
            "metadata = MetaData(naming_convention=NAMING) if 'pk' in OTHER else MetaData()",
            "class Base:\n    NAMES = dict(OTHER)\n    metadata = MetaData(naming_convention=NAMES)\nmetadata = Base.metadata",
        ]
    ),
    st.lists(STATEMENTS, max_size=2),
)


def evaluated(files: dict[str, str]) -> dict[str, str]:
    """Return the convention that SQLAlchemy gets when the modules are run."""
    shared: dict = {}
    exec(files["shared.py"], shared)
    names = {name: value for name, value in shared.items() if not name.startswith("_")} | {"MetaData": MetaData}
    exec(files["models.py"].split("\n", 1)[1], names)
    return dict(names["metadata"].naming_convention)


def test_a_call_of_another_modules_function_that_changes_the_convention_is_seen(tmp_path):
    """The module that makes the metadata calls it; neither names what the function changes."""
    shared = "NAMING = {}\ndef change():\n    NAMING['pk'] = 'pk_%(table_name)s'"
    models = "from shared import NAMING, change\nmetadata = MetaData(naming_convention=NAMING)"
    before = {"shared.py": shared, "models.py": models}
    after = before | {"models.py": models.replace("change\n", "change\nchange()\n")}
    assert edited(tmp_path, before, after) == ["models.py"]


@given(MODULES, MODULES)
@settings(max_examples=200, deadline=None)
def test_modules_with_different_conventions_never_share_a_slice(before, after):
    """SQLAlchemy is the judge: what it makes of the modules is compared with what their text says."""
    with tempfile.TemporaryDirectory() as folder:
        suspect = edited(Path(folder), before, after)
    assert suspect or evaluated(before) == evaluated(after)


@given(MODULES, st.data())
@settings(max_examples=200, deadline=None)
def test_one_edited_line_that_changes_the_convention_is_seen(before, data):
    """The likely edit: most of the text stays."""
    name = data.draw(st.sampled_from(["shared.py", "models.py"]))
    lines = before[name].split("\n")
    between = [place for place in range(1, len(lines) + 1) if not "".join(lines[place:][:1]).startswith((" ", "else"))]
    place = data.draw(st.sampled_from(between))
    after = before | {name: "\n".join([*lines[:place], data.draw(STATEMENTS), *lines[place:]])}
    try:
        expected = evaluated(after)
    except NameError:  # the new line uses a name too early
        return
    with tempfile.TemporaryDirectory() as folder:
        suspect = edited(Path(folder), before, after)
    assert suspect or evaluated(before) == expected


def test_an_unchanged_project_is_not_parsed(tmp_path):
    """This runs at each warm start, over hundreds of files."""
    write(tmp_path, {"models.py": BASE})
    code = (
        "import sys; from pathlib import Path; from templatedb.conventions import Recorded, changed, content_digest;"
        "from templatedb.conventions.modules import module_finder;"
        f"path = Path({str(tmp_path / 'models.py')!r}); known = {{path: Recorded(content_digest(path), 'x')}};"
        "print(list(changed(known, module_finder((path.parent,)))), 'ast' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[] False\n"


def test_a_slice_is_the_same_in_another_folder(tmp_path):
    """A cache made by CI is used on another machine."""
    files = IMPORTED | {"app/models.py": "from app.naming import NAMING\n" + USE}
    found = []
    for name in ("one", "two"):
        write(tmp_path / name, files)
        found.append(slice_of(tmp_path / name / "app/models.py", module_finder((tmp_path / name,))).digest)
    assert found[0] == found[1] != ""


def test_files_that_a_convention_is_followed_into_are_recorded_too(tmp_path):
    """Even one that env.py did not import: a function may do so later."""
    write(
        tmp_path,
        {
            "late.py": f"NAMING = {PLAIN}",
            "models.py": "def fk(c, t):\n    import late\n    return late.NAMING\nm = MetaData(naming_convention={'fk': fk})",
        },
    )
    recorded = record([tmp_path / "models.py"], module_finder((tmp_path,)))
    assert sorted(path.name for path in recorded) == ["late.py", "models.py"]


def test_windows_line_ends_do_not_count(tmp_path):
    """A checkout on Windows is the same project."""
    path = tmp_path / "models.py"
    path.write_bytes(b"x = 1\r\n")
    before = content_digest(path)
    path.write_bytes(b"x = 1\n")
    assert content_digest(path) == before


def test_a_file_that_is_gone_has_no_digest(tmp_path):
    """Nor is that an error: the look-up says what it means."""
    assert content_digest(tmp_path / "none.py") is None


def test_modules_are_found_as_the_import_system_finds_them(tmp_path):
    """Packages before modules, folders in their order, namespace packages over several folders, dots from the importer."""
    write(
        tmp_path,
        {
            "a/x.py": "",
            "a/x/__init__.py": "",
            "a/x/y.py": "",
            "a/n/one.py": "",
            "b/n/two.py": "",
            "b/x/z.py": "",
            "b/m.py": "",
        },
    )
    find = module_finder((tmp_path / "a", tmp_path / "b"))
    here = tmp_path / "a/x/y.py"
    names = ["x", "x.y", "x.z", "n", "n.one", "n.two", "m", "m.x", "none", ".", ".y", "..n.one", "..", "." * 99]
    found = {name: path.relative_to(tmp_path).as_posix() for name in names if (path := find(name, here))}
    assert found == {
        "x": "a/x/__init__.py",
        "x.y": "a/x/y.py",
        "n.one": "a/n/one.py",
        "n.two": "b/n/two.py",
        "m": "b/m.py",
        ".": "a/x/__init__.py",
        ".y": "a/x/y.py",
        "..n.one": "a/n/one.py",
    }


def test_imports_anywhere_count_but_not_those_for_type_checkers(tmp_path):
    """With the packages above, and names that mean submodules."""
    files = dict.fromkeys(
        ["p/__init__.py", "p/q/__init__.py", "p/q/r.py", "p/s.py", "t.py", "u.py", "v.py", "w.py"], ""
    )
    write(
        tmp_path,
        files
        | {
            "p/here.py": "import p.q.r\nfrom . import s\ndef f():\n    import t, os\nif typing.TYPE_CHECKING:\n    import u\nelse:\n    import v\nimport_module('w')"
        },
    )
    found = imported_modules(tmp_path / "p/here.py", module_finder((tmp_path,)))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == [
        "p/__init__.py",
        "p/q/__init__.py",
        "p/q/r.py",
        "p/s.py",
        "t.py",
        "v.py",
        "w.py",
    ]


def test_a_file_that_cannot_be_parsed_imports_nothing(tmp_path):
    """What it imports is not known, and its importer failed too."""
    write(tmp_path, {"a.py": "import b\nx = (", "b.py": ""})
    assert imported_modules(tmp_path / "a.py", module_finder((tmp_path,))) == set()
