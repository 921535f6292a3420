from playwright.sync_api import Page


def test_the_sign_in_page_comes_up_in_a_browser(desk: str, page: Page) -> None:
    answer = page.goto(f"{desk}/accounts/login/")

    assert answer is not None
    assert (answer.status, page.locator("input[name=login]").count()) == (200, 1)
