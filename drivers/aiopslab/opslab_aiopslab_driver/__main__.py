from opslab_aiopslab_driver.main import main

main()
