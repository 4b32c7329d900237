"""Passages of README and docs are replaced by those of the reports, and nothing else is."""

from pathlib import Path

import pytest
from benches.common.tables import passage, passages, refreshed, table
from benches.figures import BENCHES, DOCUMENTS, PICTURES, ROOT, main, refresh

OLD = """\
# Title

<!-- speed -->
| old | table |
<!-- /speed -->

Text with <!-- a comment --> in it.

<!-- other -->
<!-- /other -->
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The root of a source tree whose documents have passages of two reports."""
    root = tmp_path / "checkout"
    for name in DOCUMENTS:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OLD)
    (root / PICTURES).mkdir(exist_ok=True)
    return root


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A folder with one report and its picture."""
    folder = tmp_path / "build" / BENCHES[0]
    folder.mkdir(parents=True)
    news = passage("speed", "new") + "\n" + passage("unasked", "for nobody")
    (folder / f"{BENCHES[0]}.md").write_text(news)
    (folder / f"{BENCHES[0]}.svg").write_text("<svg/>")
    return tmp_path / "build"


def test_a_passage_takes_the_place_of_the_one_with_its_name() -> None:
    """What is around it, and passages without news, stay as they are, byte for byte."""
    new = refreshed(OLD, {"speed": passage("speed", "| new |"), "unasked": "x"})
    before, _, after = OLD.partition("<!-- speed -->\n| old | table |\n<!-- /speed -->")
    assert new == f"{before}<!-- speed -->\n\n| new |\n\n<!-- /speed -->{after}"
    assert refreshed(new, passages(new)) == new


@pytest.mark.parametrize(
    "text",
    [
        "<!-- one -->\n",
        "<!-- /one -->\n",
        "<!-- one -->\n<!-- two -->\n<!-- /two -->\n<!-- /one -->\n",
        "<!-- one -->\n<!-- /two -->\n",
        "<!-- one -->\n<!-- /one -->\n<!-- one -->\n<!-- /one -->\n",
    ],
)
def test_passages_that_are_no_pairs_are_refused(text: str) -> None:
    """Nothing is lost to a comment that was deleted by mistake."""
    with pytest.raises(ValueError, match=r"`<!-- /?(one|two) -->`"):
        passages(text)


def test_every_document_and_picture_is_refreshed(checkout: Path, build: Path) -> None:
    """Reports that are there are put in; others are not missed."""
    assert refresh(build, checkout) == [BENCHES[0]]
    for name in DOCUMENTS:
        text = (checkout / name).read_text()
        assert "new" in passages(text)["speed"]
        assert "for nobody" not in text
    assert (checkout / PICTURES / f"{BENCHES[0]}.svg").read_text() == "<svg/>"


def test_a_document_that_is_broken_changes_no_other(checkout: Path, build: Path) -> None:
    """All are read before one is written."""
    (checkout / DOCUMENTS[-1]).write_text("<!-- speed -->\n")
    with pytest.raises(ValueError, match="has no end"):
        refresh(build, checkout)
    assert (checkout / DOCUMENTS[0]).read_text() == OLD


def test_no_report_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who measured nothing is told so, and the documents stay as they are."""
    before = [(ROOT / name).read_bytes() for name in DOCUMENTS]
    with pytest.raises(SystemExit) as caught:
        main(["--build", str(tmp_path)])
    assert caught.value.code == 2
    assert f"`{tmp_path}`" in capsys.readouterr().err
    assert [(ROOT / name).read_bytes() for name in DOCUMENTS] == before


def test_the_documents_have_a_place_for_each_table() -> None:
    """README has the short table, and the guide all others."""
    readme, guide = (set(passages((ROOT / name).read_text())) for name in DOCUMENTS)
    assert readme == {"compare-short"}
    assert guide == {
        *("compare", "compare-how", "compare-contestants"),
        *("limit", "limit-stages", "limit-how"),
        *("growth", "growth-how"),
    }


def test_a_table_has_its_numbers_on_the_right() -> None:
    """A bar in a cell doesn't end it."""
    assert table(["name", "s"], [["tar | gzip", "1.0"]]) == (
        "| name | s |\n| --- | ---: |\n| tar \\| gzip | 1.0 |"
    )
