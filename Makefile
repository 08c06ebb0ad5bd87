# Synapse Edge. The work is in scripts/; `make help` lists the commands.
.PHONY: help run test fuzz simulate bench build lint proto clean

help:
	@echo "make run    build, start the fixture origin and the edge, print commands to try"
	@echo "make test   build and run every test and the formatter's rules"
	@echo "make simulate SEEDS=1-200 STEPS=10000   random runs of the store on a simulated, failing disk"
	@echo "make fuzz   run every fuzzing harness for SECONDS=60 seconds each"
	@echo "make bench  measure the edge beside nginx, Varnish, Traffic Server, H2O and HAProxy"
	@echo "make build  build the release binaries edge and edge-bench"
	@echo "make proto  make the Swift code of the protobuf schemas anew"
	@echo "make lint   check the formatter's rules"
	@echo "make clean  remove what was built and the edge's var/ folder"

run:
	@scripts/run.sh

test:
	@scripts/test.sh

simulate:
	@SEEDS="$(SEEDS)" STEPS="$(STEPS)" scripts/simulate.sh

fuzz:
	@scripts/fuzz.sh

bench:
	@scripts/bench.sh

build:
	@scripts/build.sh

lint:
	@scripts/lint.sh

proto:
	@scripts/proto.sh

clean:
	rm -rf .build .build-fuzz var
