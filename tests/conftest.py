"""What holds for every test: properties try the same examples each time, and no machine is too slow for them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("costguard", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("costguard")
