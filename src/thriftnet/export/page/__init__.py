"""One HTML file that classifies pictures offline: the page, its runtime and its check.

The engine of a page is exchangeable (`contract.js`), so the service uses `render`, too.
"""
