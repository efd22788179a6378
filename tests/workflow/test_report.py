"""The report of a run: one file, looked at in a real browser, without a row of any patient."""

import base64
import html
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chromium import DESK, OVERFLOW, PHONE, browser, errors, requested, resize
from tests.workflow.conftest import CONFIG, ROOT, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

# Published tables without data: their cells wait, their claims are not run.
REPORTED = {
    **CONFIG,
    "tables": ["tiny", "table3"],
    "figures": ["figure3a"],
    "papers_data": "real",
    "note": "demonstration",
}
SOURCE = "synthetic-physionet2012"
PAGES = ["claims", "costs", "discrepancies", "model card", "reforms", "tripod_ai"]
# Every script of the report that is not a library of somebody else.
OWN_SCRIPTS = re.compile(r'<script id="[\w-]+">(.*?)</script>', re.DOTALL)
DATA_URI = re.compile(r"data:[\w/+.-]*(?:;[\w=.-]+)*;base64,([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Report:
    project: Project
    file: Path


@pytest.fixture(scope="module")
def report(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("report") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    (folder / "docs").mkdir()
    shutil.copy2(ROOT / "docs" / "discrepancies.md", folder / "docs")
    project = Project(folder)
    project.write(REPORTED)
    outcome = project.run("report_pages")
    assert outcome.code == 0, outcome.text
    style = ("--report-stylesheet", "workflow/report/style.css")
    outcome = project.run("report_pages", "--report", "results/report.html", *style)
    assert outcome.code == 0, outcome.text
    return Report(project, folder / "results" / "report.html")


@pytest.fixture(scope="module")
def driver(report: Report) -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


def _open(driver: Chrome, report: Report) -> None:
    driver.get(report.file.as_uri())
    WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.CSS_SELECTOR, "nav a"))


def _choose(driver: Chrome, words: str) -> None:
    """Click the entry of the menu that says `words`."""
    entries = driver.find_elements(By.CSS_SELECTOR, "nav ul a")
    next(entry for entry in entries if entry.text.strip() == words).click()


def _rows(driver: Chrome) -> dict[str, list]:
    """Return the buttons (view, information) of each result of the list that is open."""
    rows = driver.find_elements(By.CSS_SELECTOR, "nav tbody tr")
    buttons = {row.text.strip(): row.find_elements(By.TAG_NAME, "a") for row in rows}
    return {label: found for label, found in buttons.items() if found}


def test_every_category_opens_and_every_page_is_there(driver: Chrome, report: Report) -> None:
    _open(driver, report)
    errors(driver), requested(driver)
    _open(driver, report)
    _choose(driver, "Workflow")
    graph = WebDriverWait(driver, 20).until(
        lambda d: d.find_elements(By.CSS_SELECTOR, "#rulegraph svg, #rulegraph canvas")
    )
    assert graph[0].size["height"] > 100
    _choose(driver, "Statistics")
    WebDriverWait(driver, 20).until(
        lambda d: d.find_elements(By.CSS_SELECTOR, "#runtimes svg, #runtimes canvas")
    )
    _choose(driver, "Reading")
    assert list(_rows(driver)) == PAGES
    for page in PAGES:
        _rows(driver)[page][0].click()
        driver.switch_to.frame(driver.find_element(By.TAG_NAME, "iframe"))
        assert driver.find_element(By.TAG_NAME, "h1").text.endswith("(demonstration)")
        assert "synthetic" in driver.find_element(By.TAG_NAME, "body").text
        assert driver.execute_script(OVERFLOW) <= 0
        driver.switch_to.default_content()
    assert errors(driver) == []
    assert requested(driver) <= {"file", "data", "blob"}


def test_tables_sort_and_figures_show_in_the_report(driver: Chrome, report: Report) -> None:
    _open(driver, report)
    errors(driver)
    _choose(driver, "Tables")
    _choose(driver, "Questions")
    _rows(driver)["tiny"][0].click()
    driver.switch_to.frame(driver.find_element(By.TAG_NAME, "iframe"))
    driver.find_element(By.XPATH, "//th/button[contains(., 'AUROC')]").click()
    head = driver.find_element(By.CSS_SELECTOR, "th[aria-sort=ascending]")
    place = driver.execute_script("return arguments[0].cellIndex", head) + 1
    cells = driver.find_elements(By.CSS_SELECTOR, f".scroll:first-of-type td:nth-child({place})")
    values = [float(cell.text.split()[0]) for cell in cells[:3]]
    assert values == sorted(values)
    assert len(set(values)) > 1
    driver.switch_to.default_content()
    _open(driver, report)
    _choose(driver, "Figures")
    _choose(driver, "FuseMoE")
    view, information = _rows(driver)["figure3a"]
    view.click()
    image = driver.find_element(By.CSS_SELECTOR, "#app > div > div:last-child img")
    assert driver.execute_script("return arguments[0].naturalWidth", image) > 100
    assert image.size["width"] <= DESK[0]
    information.click()
    assert "Time of one training run" in driver.find_element(By.CSS_SELECTOR, "nav").text
    assert errors(driver) == []


def test_the_report_is_read_on_a_phone(driver: Chrome, report: Report) -> None:
    resize(driver, PHONE)
    try:
        _open(driver, report)
        assert driver.execute_script(OVERFLOW) <= 0
        _choose(driver, "Reading")
        _rows(driver)["reforms"][0].click()
        frame = driver.find_element(By.TAG_NAME, "iframe")
        # Most of the screen is the page's, at its whole width.
        assert frame.size["width"] == PHONE[0]
        assert frame.size["height"] >= PHONE[1] / 2
        assert driver.execute_script(OVERFLOW) <= 0
        driver.switch_to.frame(frame)
        assert driver.execute_script(OVERFLOW) <= 0
        for box in driver.find_elements(By.CLASS_NAME, "scroll"):
            assert driver.execute_script("return arguments[0].scrollWidth <= innerWidth", box)
    finally:
        driver.switch_to.default_content()
        resize(driver, DESK)


def test_every_result_has_a_caption_and_a_shelf(report: Report) -> None:
    results = _variable(report, "results")
    shelves = _variable(report, "categories")
    assert set(shelves) == {"Figures", "Reading", "Tables"}
    assert set(shelves["Tables"]) == {"Both papers", "FuseMoE", "Questions"}
    for path, result in results.items():
        assert result["caption"], path
        assert result["labels"], path
    wanted = {"tables/tiny.html", "tables/table3.html", "figures/tiny.png", "figures/figure3a.png"}
    assert wanted <= {"/".join(Path(path).parts[-2:]) for path in results}


def _variable(report: Report, name: str) -> dict:
    """Return what the report holds as the JavaScript variable `name`."""
    text = report.file.read_text(encoding="utf-8")
    found = re.search(rf'<script id="{name}">\s*var \w+ = (.*?);\s*</script>', text, re.DOTALL)
    assert found, name
    return json.loads(found.group(1))


def test_no_patient_is_in_the_report(report: Report) -> None:
    folder = report.project.folder / "results"
    cohort = pd.read_parquet(next(folder.glob(f"cohorts/{SOURCE}/*/cohort/cohort.parquet")))
    ids = {str(one) for column in ("stay_id", "patient_id") for one in cohort[column]}
    scores = pd.concat(
        [
            pd.read_parquet(file)["score"]
            for file in folder.glob(f"runs/{SOURCE}/**/predictions.parquet")
        ]
    )
    told = everything_in(report.file.read_text(encoding="utf-8"))
    assert len(ids) > 100
    assert "FuseMoE-Laplace" in told  # a table, decoded
    assert "TRIPOD+AI" in told
    words = set(re.findall(r"[\w.]+", told))
    assert ids & words == set()
    assert {repr(float(score)) for score in scores} & words == set()
    # The search finds what is there: one row of a patient in a page inside the report.
    row = f"<td>{next(iter(ids))}</td>".encode()
    page = base64.b64encode(row).decode()
    planted = f'<script id="results">"data:text/html;base64,{page}"</script>'
    assert ids & set(re.findall(r"[\w.]+", everything_in(planted)))


def everything_in(text: str) -> str:
    """Return all that a report holds besides libraries, with embedded files decoded."""
    own = "\n".join(OWN_SCRIPTS.findall(text))
    parts, waiting = [], [own]
    while waiting:
        part = waiting.pop()
        for encoded in DATA_URI.findall(part):
            waiting.append(base64.b64decode(encoded).decode("utf-8", errors="replace"))
        parts.append(html.unescape(unquote(DATA_URI.sub(" ", part))))
    return "\n".join(parts)


def test_checklists_are_filled_from_the_run(report: Report) -> None:
    text = (report.project.folder / "results" / "report" / "reforms.html").read_text()
    flow = json.loads(
        next(report.project.folder.glob(f"results/cohorts/{SOURCE}/*/cohort/flow.json")).read_text()
    )
    kept = flow["steps"][-1]
    assert f"{kept['stays']} stays of {kept['patients']} patients" in text
    assert f"Seeds: {CONFIG['seeds'][0]}." in text
    assert "mimic4 (27 cells)" in text
