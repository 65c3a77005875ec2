import ArgumentParser
import Engine

/// A size on the command line: `800`, `5kB`, `16GiB`.
func size(_ text: String) throws -> Int {
    guard let bytes = Quantity.bytes(text) else {
        throw ValidationError("'\(text)' is not a size: write 50GB")
    }
    return bytes
}

/// A length of time on the command line, in seconds: `90`, `90s`, `10min`, `2h`, `30d`.
func duration(_ text: String) throws -> Double {
    guard let seconds = Quantity.seconds(text) else {
        throw ValidationError("'\(text)' is not a length of time: write 90s, 30min, 12h or 2d")
    }
    return seconds
}
