# `make run` and `make test` do all the set-up; CONTRIBUTING.md tells the rest.
.PHONY: run reset test check more-checks test-postgresql lint templates types contracts migrations bench reliability lock translations
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE # each of many processes would compile the same modules again
bin := .venv/bin

run: ## the desk on this machine, with the demonstration
	@scripts/install run
	@exec $(bin)/python manage.py start --with-parent

reset: ## the demonstration anew, as if it were 15:20 of that day now; refuses on any other database
	@scripts/install run
	@$(bin)/python manage.py demo reset

test: ## the suite on SQLite, then the journeys: real processes, and a browser where Chromium is found
	@scripts/install dev
	@failed=; for part in "not journey" journey; do \
		env -u DATABASE_URL -u REDIS_URL $(bin)/python -m pytest -n auto --dist worksteal -m "$$part" || failed=1; \
	done; test -z "$$failed"

check: ## everything that must hold, as .ci/run does
	@$(MAKE) --keep-going test more-checks

more-checks:
	@failed=; for stage in lint templates types contracts migrations test-postgresql; do \
		echo "== $$stage"; $(MAKE) $$stage || failed="$$failed $$stage"; \
	done; test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

test-postgresql: ## what uses the database again, with a PostgreSQL and a Redis of its own; other makers' servers know nothing of ours
	@scripts/install dev
	$(bin)/python -m tests.servers $(bin)/python -m pytest -n auto --dist worksteal -m "not browser" --database-alone \
		--ignore tests/comms/channels/test_bluesky.py --ignore tests/comms/channels/test_mastodon.py

lint:
	@scripts/install dev
	$(bin)/ruff check .
	$(bin)/ruff format --check .

templates:
	@scripts/install dev
	git ls-files -z -- '*templates/*.html' | xargs -0 -r $(bin)/djade --check --target-version 6.1

types:
	@scripts/install dev
	$(bin)/mypy

contracts:
	@scripts/install dev
	$(bin)/lint-imports --no-logo

migrations:
	@scripts/install dev
	$(bin)/python manage.py check --fail-level WARNING
	$(bin)/python manage.py makemigrations --check --dry-run

bench: ## the figures of the README: the front, what outlives the rest, publishing, calls, a message to 10,000; needs Debian's wrk and nginx-light
	@scripts/install dev
	$(bin)/python -m bench.national_numbers
	$(bin)/python -m bench.front
	$(bin)/python -m bench.outlive
	$(bin)/python -m bench.publish
	$(bin)/python -m tests.servers --durable $(bin)/python -m bench.publish
	$(bin)/python -m bench.cleared
	$(bin)/python -m bench.keys
	$(bin)/python -m bench.plan
	$(bin)/python -m bench.calls
	$(bin)/python -m tests.servers $(bin)/python -m bench.calls
	$(bin)/python -m bench.agents --seconds 300
	$(bin)/python -m tests.servers --durable $(bin)/python -m bench.agents --seconds 300
	$(bin)/python -m bench.mailing --control
	$(bin)/python -m bench.mailing
	$(bin)/python -m tests.servers $(bin)/python -m bench.mailing

reliability: ## senders and the web process killed, frozen, side by side, Redis gone, channels that misbehave, browsers offline; each with its control
	@scripts/install dev
	@failed=; for what in killed struck faulty "servers faulty --mode celery" offline "servers together" "servers redis_faults"; do \
		for control in "" --control; do \
			echo "== $$what $$control"; \
			case "$$what" in servers*) \
				$(bin)/python -m tests.servers $(bin)/python -m bench.$${what#servers } $$control;; \
			*) $(bin)/python -m bench.$$what $$control;; esac || failed="$$failed, $$what $$control"; \
		done; \
	done; test -z "$$failed" || { echo "Failed$$failed"; exit 1; }

lock: ## pin anew what pyproject.toml asks for; `make lock upgrade=1` takes the newest
	@scripts/install dev
	@scripts/lock $(if $(upgrade),--upgrade)

translations: ## collect the texts into locale/ and compile them (German, of templates/public alone, by hand); needs Debian's gettext
	@scripts/install dev
	$(bin)/python manage.py makemessages --locale fr --locale nl --no-location --no-obsolete --ignore var --ignore tests
	$(bin)/python manage.py compilemessages --locale fr --locale nl --locale de --ignore .venv --ignore var
