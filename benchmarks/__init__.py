"""What isolation costs, side by side with other ways and other plugins: measured in one run, told as ratios.

Reading order: `registry` names what is compared, `variants/` holds it as small pytest projects, `schemas` writes the
migrations, `runner` runs one pytest process, `sections` runs them in turns, `large` and `starts` measure big goldens
and cold starts, `budgets` judges, `report` and `plots` tell. `python -m benchmarks --help` lists the options.
"""
