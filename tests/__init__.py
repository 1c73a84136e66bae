"""The tests mirror the rooms; `support` holds what several of them use."""
