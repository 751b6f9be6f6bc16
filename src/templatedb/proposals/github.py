"""The steps of a GitHub Actions workflow that keep the golden between runs."""

from __future__ import annotations

GITHUB_STEPS = """\
steps:
  - id: key
    run: templatedb key --github-output
  - uses: actions/cache/restore@v5
    with:
      path: ${{ steps.key.outputs.path }}
      key: ${{ steps.key.outputs.key }}-
      restore-keys: ${{ steps.key.outputs.key }}-
  - id: build
    run: templatedb build --github-output
  - if: steps.build.outputs.built == 'true'
    uses: actions/cache/save@v5
    with:
      path: ${{ steps.key.outputs.path }}
      key: ${{ steps.build.outputs.save-key }}
  - run: pytest -n 2 --templatedb-require-hit
"""
"""As in the README; they stand after the steps that check out, set up Python and install."""


def github_steps(folder: str = "", *, xdist: bool = True) -> str:
    """Return the steps for a project in the *folder* of its repository, with two workers of *xdist* or none."""
    steps = GITHUB_STEPS if xdist else GITHUB_STEPS.replace("pytest -n 2 ", "pytest ")
    return f"defaults:\n  run:\n    working-directory: {folder}\n{steps}" if folder else steps
