"""`python -m worker` starts one worker, configured by the environment."""

import gc

if __name__ == "__main__":
    gc.disable()  # until all is imported: to look through what stays takes an eighth of a start (the SDK is large)
    from worker.main import main

    main()
