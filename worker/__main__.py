"""`python -m worker` starts one worker, configured by the environment."""

from worker.main import main

if __name__ == "__main__":
    main()
