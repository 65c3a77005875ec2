import Diagnostics
import Engine
import Foundation
import Synchronization

/// Writes the numbers of a run as TensorBoard's event files: `<folder>/<run>/<node>/events.out.tfevents.…`.
///
/// Each file is a sequence of TFRecords that hold protobuf `Event` messages with scalar summaries, complete up to its
/// last record at any time. Formats: tensorflow/core/lib/io/record_writer.h and
/// tensorflow/core/util/event.proto.
final class TensorBoardSink: EventSink {
    private struct State {
        var measurements = RunMeasurements()
        var run = ""
        /// The file of each node that has told a number.
        var places: [String: URL] = [:]
        /// Those of the nodes at work: a process may have open only so many.
        var open: [String: FileHandle] = [:]
        var hasFailed = false
    }

    private let folder: URL
    private let display: any ProgressDisplay
    private let state = Mutex(State())

    init(_ folder: URL, display: any ProgressDisplay) {
        self.folder = folder
        self.display = display
    }

    func receive(_ event: RunEvent) {
        state.withLock { state in
            if case .runStarted(let id, _) = event { state.run = id }
            let measurements = state.measurements.measurements(in: event)
            guard !state.hasFailed else { return }
            do {
                for (node, values) in Dictionary(grouping: measurements, by: \.node) {
                    try file(of: node, &state).write(contentsOf: Self.records(values))
                }
                if case .stageEnded(let node, _) = event { try state.open.removeValue(forKey: node)?.close() }
            } catch {
                // A log that cannot be written is no reason to stop a run; it is said once.
                state.hasFailed = true
                // What is not kept is closed.
                state.open = [:]
                display.show(
                    Diagnostic(
                        "TensorBoard's files in '\(folder.path)' cannot be written: \(error)",
                        severity: .warning))
            }
        }
    }

    /// The file of a node, at its end; it goes on where the node was at work before.
    private func file(of node: String, _ state: inout State) throws -> FileHandle {
        if let file = state.open[node] { return file }
        let place = try state.places[node] ?? create(node, run: state.run)
        state.places[node] = place
        let file = try FileHandle(forWritingTo: place)
        try file.seekToEnd()
        state.open[node] = file
        return file
    }

    private func create(_ node: String, run: String) throws -> URL {
        let place = folder.appending(path: run).appending(path: Graph.Node.fileName(of: node))
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let seconds = Int(Date().timeIntervalSince1970)
        let file = place.appending(
            path: "events.out.tfevents.\(seconds).\(ProcessInfo.processInfo.hostName).\(getpid())")
        guard FileManager.default.createFile(atPath: file.path, contents: Self.header) else {
            throw CocoaError(.fileWriteUnknown)
        }
        return file
    }

    /// The record that begins a file and names the version of what follows.
    static var header: Data {
        var event = Protobuf()
        event.add(1, double: Date().timeIntervalSince1970)
        event.add(3, bytes: Array("brain.Event:2".utf8))
        return TFRecord.framed(event.bytes)
    }

    /// One record for each value.
    static func records(_ measurements: [Measurement]) -> Data {
        var data = Data()
        for measurement in measurements {
            var value = Protobuf()
            value.add(1, bytes: Array(measurement.name.utf8))
            value.add(2, float: Float(measurement.value))
            var summary = Protobuf()
            summary.add(1, bytes: value.bytes)
            var event = Protobuf()
            event.add(1, double: Double(measurement.time) / 1000)
            event.add(2, varint: UInt64(max(0, measurement.step)))
            event.add(5, bytes: summary.bytes)
            data += TFRecord.framed(event.bytes)
        }
        return data
    }
}

/// The few field types of protobuf's wire format that an event needs.
private struct Protobuf {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: UInt64, varint value: UInt64) {
        append(field << 3)
        append(value)
    }

    mutating func add(_ field: UInt64, double value: Double) {
        append(field << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func add(_ field: UInt64, float value: Float) {
        append(field << 3 | 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func add(_ field: UInt64, bytes value: [UInt8]) {
        append(field << 3 | 2)
        append(UInt64(value.count))
        bytes += value
    }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// TensorFlow's record: length, its checksum, the bytes, their checksum.
enum TFRecord {
    static func framed(_ bytes: [UInt8]) -> Data {
        let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) }
        var data = Data(length)
        withUnsafeBytes(of: masked(length).littleEndian) { data += Data($0) }
        data += Data(bytes)
        withUnsafeBytes(of: masked(bytes).littleEndian) { data += Data($0) }
        return data
    }

    /// The checksum, turned and shifted so that the checksum of data that holds one stays a good one.
    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let sum = crc32c(bytes)
        return (sum >> 15 | sum << 17) &+ 0xa282_ead8
    }

    /// CRC-32C (Castagnoli; RFC 3720, section B.4).
    static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xff)] ^ sum >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value >> 1 ^ (value & 1) * 0x82f6_3b78 }
    }
}
