import Diagnostics
import Engine
import Foundation
import Search
import Stages

/// A search that several processes share: each searches some of the gallery's pieces and keeps in one folder what they
/// have, and process 0 puts it together.
struct SharedSearch {
    private let processes: ProcessCrew
    private var crew: MeetingCrew { processes.crew }

    /// The number of processes.
    var size: Int { crew.size }
    /// Whether this process puts the result together.
    var isLeader: Bool { crew.rank == 0 }

    init(_ processes: ProcessCrew) { self.processes = processes }

    private static func key(of rank: Int) -> String { "kept/\(rank)" }

    /// Does this process's share, and waits until process 0 has done its own.
    func follow(_ search: NeighbourSearch, _ queries: VectorTable, in gallery: VectorGallery) throws {
        crew.endsWithLeader()
        let resumed = try search.keep(queries, in: gallery, part: crew.rank, of: size)
        try crew.leave(Data("\(resumed)".utf8), at: Self.key(of: crew.rank))
        while try crew.message(at: MeetingCrew.overKey) == nil { usleep(20_000) }
        crew.sayGoodbye()
    }

    /// Does this process's share, waits for the others, and puts together what all have.
    ///
    /// What a process that was lost leaves undone is done here; `whenLost` is told of it.
    func lead(
        _ search: NeighbourSearch, _ queries: VectorTable, in gallery: VectorGallery,
        whenLost: (_ rank: Int) -> Void
    ) throws -> NeighbourSearch.Outcome {
        defer { processes.dismiss() }
        var resumed = try search.keep(queries, in: gallery, part: 0, of: size)
        waiting: for other in 1..<size {
            while true {
                if let message = try crew.message(at: Self.key(of: other)) {
                    resumed += Int(String(decoding: message, as: UTF8.self)) ?? 0
                    break
                }
                if let lost = crew.lost {
                    whenLost(lost)
                    break waiting
                }
                usleep(20_000)
            }
        }
        var outcome = try search.run(queries, in: gallery)
        outcome.resumed = resumed
        return outcome
    }
}
