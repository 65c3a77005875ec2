import Diagnostics
import Tensors
import Testing

@testable import retort

/// What launchers say of a process, as they say it in its environment.
@Suite struct ProcessPlaceTests {
    /// What srun of Slurm 22.05 sets, among other things.
    private func step(_ rank: Int, of size: Int, tasks: String, machine: Int = 0) -> [String: String] {
        [
            "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "\(rank)",
            "SLURM_STEP_NUM_TASKS": "\(size)", "SLURM_STEP_TASKS_PER_NODE": tasks, "SLURM_LOCALID": "1",
            "SLURM_NODEID": "\(machine)", "SLURM_STEP_NODELIST": "n[3-5]",
        ]
    }

    @Test func `srun on one machine needs no address`() throws {
        let place = try #require(try ProcessPlace(step(1, of: 2, tasks: "2")))
        #expect(place.host == "127.0.0.1")
        #expect(place.localSize == 2 && place.localRank == 1)
    }

    @Test func `srun on several machines meets on the first`() throws {
        let place = try #require(try ProcessPlace(step(4, of: 5, tasks: "2(x2),1", machine: 2)))
        #expect(place.host == "n3")
        #expect(place.localSize == 1)
        #expect(ProcessPlace.tasks("2(x2),1", on: 1) == 2)
        #expect(ProcessPlace.tasks("2(x2),1", on: 3) == nil)
        #expect(ProcessPlace.tasks("", on: 0) == nil)
    }

    @Test func `two steps of one allocation do not meet`() throws {
        func meeting(_ step: String, _ rank: Int, port: String? = nil) throws -> Meeting.Place {
            var environment = self.step(rank, of: 4, tasks: "4")
            environment["SLURM_STEP_ID"] = step
            environment["MASTER_PORT"] = port
            return try #require(try ProcessPlace(environment)).meeting
        }
        let (first, second) = (try meeting("0", 0), try meeting("1", 0))
        #expect(first.port != second.port && first.prefix != second.prefix)
        let other = try meeting("0", 3)
        #expect(other.port == first.port && other.prefix == first.prefix && !first.prefix.isEmpty)
        #expect(try meeting("0", 0, port: "7000").prefix != meeting("1", 0, port: "7000").prefix)
        #expect(try meeting("0", 0, port: "7000").port == 7000)
    }

    @Test func `two starts of mpirun and of torchrun do not meet, whatever Slurm's steps are called`() throws
    {
        func meeting(_ more: [String: String]) throws -> Meeting.Place {
            let both = ["SLURM_JOB_ID": "7", "MASTER_ADDR": "n3"].merging(more) { $1 }
            return try #require(try ProcessPlace(both)).meeting
        }
        let mpirun = ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "prte@1"]
        let here = try meeting(mpirun)
        let there = try meeting(mpirun.merging(["SLURM_STEP_ID": "3", "OMPI_COMM_WORLD_RANK": "1"]) { $1 })
        #expect(there.port == here.port && there.prefix == here.prefix)
        let again = try meeting(mpirun.merging(["PMIX_NAMESPACE": "prte@2"]) { $1 })
        #expect(again.port != here.port && again.prefix != here.prefix)

        let torchrun = ["RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "a"]
        let other = try meeting(torchrun.merging(["TORCHELASTIC_RUN_ID": "b"]) { $1 })
        #expect(try meeting(torchrun).prefix != other.prefix)
        // torchrun's own store is told from others by its port, and its attempts by what it calls them.
        let served = try meeting(torchrun.merging(["TORCHELASTIC_USE_AGENT_STORE": "True"]) { $1 })
        #expect(served.prefix == "/worker/attempt_0" && !served.serves)
    }

    @Test func `processes that say themselves who they are meet at the port of their job`() throws {
        func meeting(_ step: String) throws -> Meeting.Place {
            let environment = [
                "RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "n3", "SLURM_JOB_ID": "7",
                "SLURM_STEP_ID": step,
            ]
            return try #require(try ProcessPlace(environment)).meeting
        }
        #expect(try meeting("0") == meeting("1"))
        #expect(try meeting("0").prefix.isEmpty)
    }

    @Test func `a batch script is no step of srun's`() throws {
        var environment = step(0, of: 2, tasks: "2")
        environment["SLURM_STEP_ID"] = nil
        #expect(try ProcessPlace(environment) == nil)
    }

    @Test(arguments: [
        ("RANK", "x"), ("WORLD_SIZE", "2.0"), ("WORLD_SIZE", "-2"), ("MASTER_PORT", "99999999999"),
    ])
    func `what is no number is refused, and not taken for one process`(_ name: String, _ text: String) throws
    {
        var environment = ["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "n3"]
        environment[name] = text
        let problem = try #require(throws: Diagnostic.self) { try ProcessPlace(environment) }
        #expect(
            problem.description == """
                error: \(name) is '\(text)', which is no number of a process, of processes or of a port
                  hint: unset \(name) for one process, or let torchrun, mpirun, srun or --nproc set it
                """)
        #expect(problem.exitCode == .usage)
    }

    @Test func `empty variables say nothing`() throws {
        #expect(try ProcessPlace(["RANK": "", "WORLD_SIZE": ""]) == nil)
        #expect(try ProcessPlace(["RANK": "", "WORLD_SIZE": "2"]) == nil)
    }
}
