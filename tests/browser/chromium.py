"""A headless Chromium that a test drives, its console and what it asks for."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.needs import need

PHONE = (390, 844)
DESK = (1280, 900)
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
# The overflow of the page itself; boxes that scroll inside it do not count.
OVERFLOW = "return document.documentElement.scrollWidth - window.innerWidth"


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Start Chromium with its logs on; end it after the block."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    need(all(programs.values()), "Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(programs["chromedriver"]))
    try:
        resize(driver, DESK)
        yield driver
    finally:
        driver.quit()


def resize(driver: webdriver.Chrome, size: tuple[int, int]) -> None:
    """Give the window a size in pixels; a narrow one is a phone."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def errors(driver: webdriver.Chrome) -> list[str]:
    """Return the errors of the console since the last call; warnings of libraries are none."""
    entries = driver.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def requested(driver: webdriver.Chrome) -> set[str]:
    """Return the schemes of all addresses that were asked for since the last call."""
    messages: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
    ]
    sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    return {message["params"]["request"]["url"].split(":")[0] for message in sent}
