import Diagnostics
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
