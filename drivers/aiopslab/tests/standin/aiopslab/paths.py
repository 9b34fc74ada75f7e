import pathlib

from aiopslab.config import Config

BASE_DIR = pathlib.Path(__file__).resolve().parent
config = Config(BASE_DIR / "config.yml")
DATA_DIR = BASE_DIR / config.get("data_dir")
RESULTS_DIR = DATA_DIR / "results"
TARGET_MICROSERVICES = pathlib.Path(__file__).parent.parent  # of the checkout
