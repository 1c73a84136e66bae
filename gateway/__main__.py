"""`python -m gateway` starts one gateway, configured by the environment."""

from gateway.main import main

if __name__ == "__main__":
    main()
