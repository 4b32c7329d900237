"""All cases, by families."""

from hostile.cases.bombs import BOMBS
from hostile.cases.documents import DOCUMENTS
from hostile.cases.duplicates import DUPLICATES
from hostile.cases.layouts import ARCHIVES, LAYOUTS
from hostile.cases.links import LINKS
from hostile.cases.numbers import NUMBERS
from hostile.cases.paths import PATHS
from hostile.cases.pax import PAX
from hostile.cases.sparse import SPARSE
from hostile.cases.streams import STREAMS
from hostile.cases.texts import DOCKERFILES, MTREES, TOMLS

FAMILIES = (
    PATHS,
    LINKS,
    PAX,
    NUMBERS,
    SPARSE,
    DUPLICATES,
    STREAMS,
    BOMBS,
    DOCUMENTS,
    LAYOUTS,
    ARCHIVES,
    DOCKERFILES,
    MTREES,
    TOMLS,
)
