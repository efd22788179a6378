"""Pages of tables in a real browser: sorted by mouse and by keys, on a phone, in print."""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fleximodal.publishing.formats import as_html
from fleximodal.publishing.page import Page
from tests.browser.chromium import DESK, OVERFLOW, PHONE, browser, errors, requested, resize

pytestmark = pytest.mark.xdist_group("browser")

# In the order 9, 10, 1,000 as numbers and 1,000, 10, 9 as text.
VALUES = ["10.5 ± 0.2 [9.9, 11.0]", "–", "1,000", "-3 [-4, -2]", "9.5"]
ASCENDING = ["-3 [-4, -2]", "9.5", "10.5 ± 0.2 [9.9, 11.0]", "1,000", "–"]
DESCENDING = ["1,000", "10.5 ± 0.2 [9.9, 11.0]", "9.5", "-3 [-4, -2]", "–"]
MORE = 120  # further rows, so that the table takes more than a sheet of paper
NAMES = ["beta", "alpha", "method 10", "method 9", "gamma"]


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with a table wider than any window, and another of sentences."""
    view = pd.DataFrame({"Method": NAMES, "AUROC (%)": VALUES})
    for number in range(25):
        view[f"Column {number}"] = "some words"
    view = pd.concat([view, pd.DataFrame({"Method": [f"row {n}" for n in range(MORE)]})]).fillna(
        "–"
    )
    told = pd.DataFrame({"Item": ["1a"], "Answer": ["A sentence of several words. " * 12]})
    text = as_html(Page("test", "A page", view, "Its caption.", more=(("Told", told),)))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def _column(driver: Chrome, place: int) -> list[str]:
    return driver.execute_script(
        "return Array.from(document.querySelector('table').tBodies[0].rows, "
        f"row => row.cells[{place - 1}].textContent)"
    )


def _headings(driver: Chrome) -> list:
    return driver.find_element(By.TAG_NAME, "table").find_elements(By.CSS_SELECTOR, "thead button")


def test_a_click_sorts_numbers_as_numbers(driver: Chrome, page: str) -> None:
    driver.get(page)
    _headings(driver)[1].click()
    assert _column(driver, 2)[:4] == ASCENDING[:4]
    assert set(_column(driver, 2)[4:]) == {"–"}
    _headings(driver)[1].click()
    assert _column(driver, 2)[:4] == DESCENDING[:4]
    assert set(_column(driver, 2)[4:]) == {"–"}
    sorts = driver.find_elements(By.CSS_SELECTOR, "th[aria-sort]")
    assert [head.get_attribute("aria-sort") for head in sorts] == ["descending"]


def test_keys_sort_names(driver: Chrome, page: str) -> None:
    driver.get(page)
    body = driver.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)  # the box that scrolls
    driver.switch_to.active_element.send_keys(Keys.TAB)
    assert driver.switch_to.active_element.text == "Method"
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    found = _column(driver, 1)
    assert found[:5] == ["alpha", "beta", "gamma", "method 9", "method 10"]
    # The rows moved as a whole.
    assert _column(driver, 2)[found.index("beta")] == VALUES[NAMES.index("beta")]


def test_wide_tables_scroll_in_their_own_box(driver: Chrome, page: str) -> None:
    for size in (DESK, PHONE):
        resize(driver, size)
        driver.get(page)
        assert driver.execute_script(OVERFLOW) <= 0
        box = driver.find_element(By.CLASS_NAME, "scroll")
        assert driver.execute_script("return arguments[0].scrollWidth > innerWidth", box)
        told = driver.find_elements(By.CLASS_NAME, "scroll")[1]
        assert driver.execute_script("return arguments[0].scrollWidth <= innerWidth", told)
    resize(driver, DESK)


def test_print_has_all_rows(driver: Chrome, page: str) -> None:
    driver.get(page)
    paper = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
    sheets = _sheets(driver.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    narrow = driver.execute_cdp_cmd("Page.printToPDF", paper | {"pageRanges": "1"})["data"]
    assert sheets > 1
    assert _sheets(narrow) == 1
    # As printed: nothing is cut off by a box, and nothing reaches beyond the sheet.
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    resize(driver, (703, 1000))  # A4 less its margins at 96 dots per inch
    try:
        assert driver.execute_script(OVERFLOW) <= 0
        for box in driver.find_elements(By.CLASS_NAME, "scroll"):
            shown = driver.execute_script(
                "return [getComputedStyle(arguments[0]).overflowX, arguments[0].scrollWidth "
                "- arguments[0].clientWidth]",
                box,
            )
            assert shown[0] == "visible"
            assert shown[1] <= 0
        heights = driver.execute_script(
            "return Array.from(document.querySelector('table').tBodies[0].rows, "
            "row => row.getBoundingClientRect().height)"
        )
        assert len(heights) == len(NAMES) + MORE
        assert min(heights) > 0
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        resize(driver, DESK)


def _sheets(data: str) -> int:
    """Return the number of pages of a PDF, also where its objects are compressed."""
    content = base64.b64decode(data)
    parts = [content]
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(found.group(1)))
        except zlib.error:
            continue
    return max(len(re.findall(rb"/Type\s*/Page\b", part)) for part in parts)


def test_pages_ask_for_nothing_and_complain_of_nothing(driver: Chrome, page: str) -> None:
    requested(driver), errors(driver)
    driver.get(page)
    for heading in _headings(driver)[:3]:
        heading.click()
    assert errors(driver) == []
    assert requested(driver) == {"file"}


def test_without_scripts_a_table_is_read_as_it_is(page: str) -> None:
    text = Path(page.removeprefix("file://")).read_text(encoding="utf-8")
    assert "<button" not in re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
